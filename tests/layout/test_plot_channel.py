"""What plots know of channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nexus_writer.layout.plot_channel import PlotChannel, node_order, plot_channel
from nexus_writer.model import Device, Scan, Subscan
from tests.model.scan_infos import scan_info

from .plotted import LINE, Played, line_info, line_point


def plain(**fields: object) -> PlotChannel:
    return PlotChannel(
        "ctl:diode", "diode", "/1.1/x", "unknown0D", np.dtype(float), (5,), (), **{"points": 5, **fields}
    )


@pytest.mark.parametrize(
    ("points", "gaps", "measured"),
    [
        (0, (), ()),
        (5, (), ((0, 5),)),
        (5, ((2, 3),), ((0, 2), (3, 5))),
        (5, ((0, 1), (2, 4)), ((1, 2), (4, 5))),
    ],
)
def test_measured(points: int, gaps: tuple[tuple[int, int], ...], measured: object) -> None:
    channel = plain(points=points, gaps=gaps)
    assert channel.measured == measured
    assert channel.has_all(points) is not bool(gaps)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("?", "f4"), ("i2", "f4"), ("u4", "f8"), (">i8", "f8"), ("f2", "f2"), (">f8", ">f8"), ("c8", "c8")],
)
def test_types_with_nan(dtype: str, expected: str) -> None:
    channel = PlotChannel("c", "c", "/c", "", np.dtype(dtype), (1,), (), 1)
    assert channel.dtype_with_nan == np.dtype(expected)


def test_of_a_channel_in_a_file(tmp_path: Path) -> None:
    played = Played(line_info(LINE), tmp_path / "file.h5")
    played.add("axis:x", "ctl:spectrum")
    played.feed([line_point(0), line_point(1)])
    found = {name: plot_channel(data, "") for name, (_, data) in _data(played).items()}
    played.finish()
    x, spectrum = found["axis:x"], found["ctl:spectrum"]
    assert (x.link, x.path, x.axis, x.is_positioner) == ("x", "/1.1/instrument/x/value", 0, True)
    assert (spectrum.grid, spectrum.point_shape, spectrum.points) == ((2,), (3,), 2)
    assert (spectrum.device_type, spectrum.axis, spectrum.is_positioner) == ("unknown1D", None, False)


def _data(played: Played) -> dict[str, tuple[object, object]]:
    return {pair[1].channel.name: pair for pair in played.file._channels.by_key.values()}  # type: ignore[misc]


def test_nodes_appear_level_by_level() -> None:
    info = scan_info("units_modes_ascan")
    subscan = Scan.from_info(info, "session:1_ascan").subscans[0]
    order = list(node_order(subscan))
    assert order[0] == "axis:robx"
    assert order[1:3] == ["timer:elapsed_time", "timer:epoch"]
    assert set(order) == {channel.name for channel in subscan.channels}


def test_chains_that_make_no_sense_have_an_order() -> None:
    circle = (Device("1:a", (), ("2:b",)), Device("2:b", (), ("1:a", "3:gone")))
    assert node_order(Subscan("a", 1, circle)) == {}
