"""How many points, and where the motors are to go."""

from __future__ import annotations

from typing import Any

import pytest

from nexus_writer.model import Grid, Scan, ScanAxis
from nexus_writer.model.fields import Fields
from nexus_writer.model.grid import read_axes, read_grid

from .scan_infos import scan_info


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, Grid(0, (0,))),
        ({"npoints": 11}, Grid(11, (11,))),
        ({"npoints": 20, "data_dim": 2, "npoints1": 5, "npoints2": 4}, Grid(20, (4, 5))),
        ({"npoints": 20, "data_dim": 2, "npoints1": 5}, Grid(20, (20,))),
        ({"npoints": 20, "data_dim": 2, "npoints1": 5, "npoints2": 0}, Grid(20, (20,))),
        ({"npoints": 24, "data_dim": 3, "npoints1": 4, "npoints2": 3, "npoints3": 2}, Grid(24, (2, 3, 4))),
        ({"npoints": 1, "data_dim": 0}, Grid(1, ())),
        ({"npoints": 5, "data_dim": 1000}, Grid(5, (5,))),
        ({"npoints": -1}, Grid(0, (0,))),
    ],
)
def test_grid(info: dict[str, Any], expected: Grid) -> None:
    assert read_grid(Fields(info, [])) == expected


@pytest.mark.parametrize(
    ("grid", "flat", "kept"),
    [
        (Grid(20, (4, 5)), (20,), (4, 5)),
        (Grid(7, (7,)), (7,), (7,)),
        (Grid(0, (0,)), (0,), (0,)),
        (Grid(1, ()), (), ()),
    ],
)
def test_saved_shape(grid: Grid, flat: tuple[int, ...], kept: tuple[int, ...]) -> None:
    assert grid.saved_shape(keepshape=False) == flat
    assert grid.saved_shape(keepshape=True) == kept


def test_axes_of_a_recorded_mesh() -> None:
    scan = Scan.from_info(scan_info("amesh"), "session:1_amesh")
    assert scan.axes == {"axis:robx": ScanAxis(0, 1, 5), "axis:roby": ScanAxis(0, 2, 4)}


def test_axes_are_read_from_whatever_is_there() -> None:
    problems: list[str] = []
    channels: dict[str, Any] = {
        "axis:a": {"start": 1, "stop": 2.5, "points": 3, "axis-kind": "backnforth"},
        "axis:text": {"start": "here", "stop": "there"},
        "axis:half": {"start": 1},
        "axis:list": {"start": [1], "stop": [2]},
        "nothing": None,
    }
    axes = read_axes(Fields({"channels": channels}, problems))
    assert axes == {"axis:a": ScanAxis(1, 2.5, 3, back_and_forth=True)}
    assert problems == []
