"""Plans of plots; what comes of them in files is tested with the plots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nexus_writer.layout.plot_channel import PlotChannel
from nexus_writer.layout.plot_members import Copy, Indices, Link, Places, Plot, View
from nexus_writer.layout.plot_plan import MAX_FRAMES, MAX_PIECES, RUNNING_SIGNALS, Arrangement, plots_of
from nexus_writer.model import GridOrder, PlotRequest

ALL = PlotRequest("all", rank=0)
GRID = PlotRequest("grid", rank=0, grid=True)
LINE = Arrangement(GridOrder.forward((6,)), 6, kept=False, running=True)
MESH = Arrangement(GridOrder.forward((3, 2)), 6, kept=False, running=True)


def detector(link: str, points: int = 6, **fields: Any) -> PlotChannel:
    dtype = np.dtype(fields.pop("dtype", float))
    shape = fields.pop("point_shape", ())
    return PlotChannel(
        f"ctl:{link}", link, f"/{link}", "unknown0D", dtype, (points,), shape, points, **fields
    )


def motor(link: str, axis: int | None, points: int = 6) -> PlotChannel:
    return replace(detector(link, points), is_positioner=True, axis=axis)


def ended(arrangement: Arrangement) -> Arrangement:
    return replace(arrangement, running=False)


def only(plots: list[Plot]) -> Plot:
    (plot,) = plots
    return plot


def test_axes_by_index_and_only_those_that_are_axes() -> None:
    channels = [motor("b", 1), motor("encoder", None), motor("a", 0), detector("d")]
    assert only(plots_of(ALL, channels, ended(MESH))).axes == ("a", "b")
    assert only(plots_of(GRID, channels, ended(MESH))).axes == ("b", "a")


def test_an_axis_that_nobody_moves() -> None:
    plot = only(plots_of(GRID, [motor("a", 0), detector("d")], ended(MESH)))
    assert plot.axes == (".", "a")
    assert dict(plot.members)["a"] == Places(0, 2)


def test_no_signals_no_plot() -> None:
    assert plots_of(ALL, [motor("a", 0), detector("s", point_shape=(3,))], LINE) == []
    assert plots_of(ALL, [detector("text", dtype=object)], LINE) == []
    assert plots_of(PlotRequest("all", rank=1), [detector("s", point_shape=(0,))], LINE) == []


@pytest.mark.parametrize("running", [True, False])
def test_a_running_plot_has_not_all_signals(running: bool) -> None:
    channels = [detector(f"d{number}") for number in range(RUNNING_SIGNALS + 5)]
    plot = only(plots_of(ALL, channels, replace(LINE, running=running)))
    assert len(plot.signals) == (RUNNING_SIGNALS if running else RUNNING_SIGNALS + 5)


@pytest.mark.parametrize(
    ("points", "npoints", "length"),
    [(1, 6, 6), (6, 6, 6), (7, 6, 12), (25, 6, 48), (1, 0, 512), (513, 0, 1024)],
)
def test_length_of_a_running_line(points: int, npoints: int, length: int) -> None:
    arrangement = replace(LINE, npoints=npoints)
    plot = only(plots_of(ALL, [motor("a", 0, 1), detector("d", points)], arrangement))
    assert all(isinstance(m, View) and m.order.shape == (length,) for _, m in plot.members)


def test_a_grid_of_too_many_pieces_is_shown_point_by_point() -> None:
    wide = Arrangement(GridOrder.forward((3, MAX_PIECES)), 3 * MAX_PIECES, kept=False, running=True)
    channels = [motor("x", 0, 9), motor("y", 1, 9), detector("d", 9), detector("e", 9)]
    plot = only(plots_of(GRID, channels, wide))
    assert plot.axes == ("x", "y")
    assert only(plots_of(GRID, channels, ended(wide))).axes == ("y", "x")


@pytest.mark.parametrize(("signals", "by_row"), [(1, True), (21, False)])
def test_a_grid_of_many_rows_and_signals_is_not_cut_into_rows(signals: int, by_row: bool) -> None:
    tall = Arrangement(GridOrder.forward((1000, 2)), 2000, kept=False, running=False)
    channels = [detector(f"d{number}", 2000) for number in range(signals)]
    plot = only(plots_of(GRID, channels, tall))
    assert {member.by_row for _, member in plot.members if isinstance(member, View)} == {by_row}


def test_a_detector_with_spectra_has_one_axis_of_the_scan() -> None:
    """Where a line has several motors."""
    channels = [motor("a", 0), motor("b", 1), detector("s", point_shape=(4,))]
    plot = only(plots_of(PlotRequest("p", rank=1), channels, ended(LINE)))
    assert plot.axes == ("a", "datadim0")
    assert dict(plot.members) == {"s": Link("/s"), "a": Link("/a"), "datadim0": Indices(4)}


def test_no_motors() -> None:
    plot = only(plots_of(PlotRequest("p", rank=1), [detector("s", point_shape=(4,))], ended(LINE)))
    assert plot.axes == ("datadim0",)
    assert only(plots_of(ALL, [detector("d")], ended(LINE))).axes == ()


@pytest.mark.parametrize("points", [4, 7])
def test_an_axis_of_another_length_is_copied(points: int) -> None:
    plot = only(plots_of(ALL, [motor("a", 0, points), detector("d", 6)], ended(LINE)))
    assert dict(plot.members)["a"] == Copy("/a", 6)


@pytest.mark.parametrize(
    ("axis", "points", "names"), [(120, 12000, ()), (12000, 120, ()), (100, 216, ("a",))]
)
def test_an_axis_of_another_rate_is_none(axis: int, points: int, names: tuple[str, ...]) -> None:
    """Its points are not where those of the signal were measured."""
    plot = only(plots_of(ALL, [motor("a", 0, axis), detector("d", points)], ended(LINE)))
    assert plot.axes == names
    assert [name for name, _ in plot.members] == ["d", *names]


def test_an_axis_with_gaps_is_not_copied() -> None:
    """What is not there cannot be read."""
    axis = replace(motor("a", 0, 7), gaps=((1, 2),))
    assert dict(only(plots_of(ALL, [axis, detector("d", 6)], ended(LINE))).members)["a"] == Link("/a")


@pytest.mark.parametrize("points", [6, MAX_FRAMES + 1])
def test_frames_in_other_files_have_a_source_for_each(points: int) -> None:
    frames = replace(detector("f", points, point_shape=(2, 2)), virtual=True)
    member = dict(only(plots_of(PlotRequest("p", rank=2), [frames], ended(LINE))).members)["f"]
    if points > MAX_FRAMES:
        assert member == Link("/f")
    else:
        assert isinstance(member, View)
        assert (member.by_row, member.order.shape) == (True, (6,))


def test_images_of_a_camera_on_a_grid_that_is_kept() -> None:
    """Frames are never laid out as a grid in their dataset."""
    kept = replace(ended(MESH), kept=True)
    frames = detector("frames", 5, point_shape=(2, 2), dtype=np.uint16)
    plot = only(plots_of(PlotRequest("p", rank=2, grid=True), [frames], kept))
    view = dict(plot.members)["frames"]
    assert isinstance(view, View)
    assert (view.kept, view.ranges) == (False, ((0, 5),))
    flat = only(plots_of(PlotRequest("p", rank=2), [frames], kept))
    assert dict(flat.members)["frames"] == Link("/frames")


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        (["a", "a"], ["all_a1", "all_a2"]),
        (["a", "b"], ["all_a", "all_b"]),
        (["a", "b", "a"], ["all_a1", "all_b2", "all_a3"]),
    ],
)
def test_names_of_parts(kinds: list[str], names: list[str]) -> None:
    channels = [
        replace(detector(f"d{number}", 6 + number), device_type=kind) for number, kind in enumerate(kinds)
    ]
    assert [plot.name for plot in plots_of(ALL, channels, ended(LINE))] == names
