"""Plots in files, as plain h5py finds them while a scan runs and when it has ended."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .plotted import (
    COLUMNS,
    LINE,
    ROWS,
    TIME,
    Played,
    X,
    Y,
    axes,
    default_plot,
    line_info,
    line_point,
    mesh_info,
    mesh_point,
    signals,
)
from .scans import channel, points

SELECT_DIODE = {"_display_extra": {"plotselect": ["diode"]}}
ALL = ("axis:x", "axis:y", "ctl:diode", "ctl:counts", "ctl:spectrum")
SIZE = COLUMNS * ROWS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.h5"


def selecting(*items: str, **fields: Any) -> dict[str, Any]:
    return {"_display_extra": {"plotselect": list(items)}, **fields}


def grid_of(points: int) -> np.ndarray:
    """``counts`` of a mesh of which so many points were measured, in any order that is row by row."""
    row, column = np.indices((ROWS, COLUMNS))
    return np.where(row * COLUMNS + column < points, 100.0 * row + column + 1, np.nan)


# -- lines -----------------------------------------------------------------------------------------------


def test_a_line_shows_the_selection_over_its_motor(path: Path) -> None:
    played = Played(line_info(**SELECT_DIODE), path)
    played.add("axis:x", "ctl:diode", "ctl:counts")
    played.play(line_point, 6)
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        assert plot.name == "/1.1/plotselect"
        assert (signals(plot), axes(plot)) == (["diode"], ["x"])
        assert plot["diode"][()].tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
        links = {name: plot.get(name, getlink=True).path for name in plot}
        assert links == {"diode": "/1.1/instrument/diode/data", "x": "/1.1/instrument/x/value"}


def test_nothing_is_plotted_before_there_is_something(path: Path) -> None:
    played = Played(line_info(**SELECT_DIODE), path)
    played.add("axis:x", "ctl:diode")
    played.feed([line_point(0)], "axis:x")
    with played.reader() as file:
        assert "default" not in file["1.1"].attrs
        assert "plotselect" not in file["1.1"]
    played.feed([line_point(0)], "ctl:diode")
    with played.reader() as file:
        assert signals(default_plot(file)) == ["diode"]
    played.finish()


def test_a_running_line_has_all_its_places(path: Path) -> None:
    """A motor is a point ahead while a detector counts: plots whose axis is longer are not valid."""
    played = Played(line_info(**selecting("diode", "counts")), path)
    played.add("axis:x", "ctl:diode", "ctl:counts")
    played.feed([line_point(0)])
    played.feed([line_point(1)], "axis:x")
    with played.reader() as file:
        plot = default_plot(file)
        np.testing.assert_array_equal(plot["x"], [10, 11] + [np.nan] * 4)
        np.testing.assert_array_equal(plot["diode"], [0.5] + [np.nan] * 5)
        np.testing.assert_array_equal(plot["counts"], [1] + [np.nan] * 5)
    played.finish()


def test_a_stopped_line_has_an_axis_as_long_as_its_signals(path: Path) -> None:
    played = Played(line_info(**selecting("diode")), path)
    played.add("axis:x", "ctl:diode")
    played.play(line_point, 3)
    played.feed([line_point(3)], "axis:x")
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        assert plot["x"][()].tolist() == [10, 11, 12]
        assert plot["diode"][()].tolist() == [0.5, 1.5, 2.5]
        assert len(file["1.1/measurement/x"]) == 4


@pytest.mark.parametrize("npoints", [0, 4])
def test_a_line_gets_as_long_as_it_takes(path: Path, npoints: int) -> None:
    """Also where nobody says how many points come, or more come than announced."""
    played = Played(line_info(TIME, npoints=npoints, **selecting("diode")), path)
    played.add("timer:elapsed_time", "timer:epoch", "ctl:diode")
    for stop in (1, 3, 9, 600):
        start = played.file.points.get("session:ds:1_scan:timer:ctl:diode", 0)
        played.feed([line_point(index) for index in range(start, stop)])
        with played.reader() as file:
            plot = default_plot(file)
            assert axes(plot) == ["elapsed_time"]
            assert plot["diode"].shape == plot["elapsed_time"].shape
            np.testing.assert_array_equal(plot["diode"][:stop], 0.5 + np.arange(stop))
            assert np.isnan(plot["diode"][stop:]).all()
    played.finish()
    with played.reader() as file:
        assert default_plot(file)["diode"].shape == (600,)


def test_a_line_that_goes_on_has_an_axis_of_its_length(path: Path) -> None:
    """Also when the motor is beyond what was announced, and the detectors are not."""
    played = Played(line_info(npoints=4, **selecting("diode")), path)
    played.add("axis:x", "ctl:diode")
    played.feed([line_point(index) for index in range(4)])
    played.feed([line_point(4)], "axis:x")
    with played.reader() as file:
        plot = default_plot(file)
        assert plot["x"].shape == plot["diode"].shape == (8,)
    played.finish()


def test_signals_come_as_they_get_data(path: Path) -> None:
    """In the order of their nodes, whichever comes first."""
    played = Played(line_info(**selecting("ctl:diode", "ctl:counts", "elapsed")), path)
    played.add("axis:x", "ctl:diode", "ctl:counts")
    played.feed([line_point(0)], "axis:x", "ctl:counts")
    with played.reader() as file:
        assert signals(default_plot(file)) == ["counts"]
    played.feed([line_point(0)], "ctl:diode")
    with played.reader() as file:
        assert signals(default_plot(file)) == ["diode", "counts"]
    played.finish()


def test_spectra_have_an_axis_of_their_own(path: Path) -> None:
    played = Played(line_info(**selecting("spectrum")), path)
    played.add("axis:x", "ctl:spectrum")
    played.feed([line_point(0)])
    with played.reader() as file:
        plot = default_plot(file)
        assert axes(plot) == ["x", "datadim0"]
        assert plot["spectrum"].shape == (6, 3)
        assert plot["spectrum"].attrs["interpretation"] == "spectrum"
    played.feed([line_point(1)])
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        assert axes(plot) == ["x", "datadim0"]
        assert plot["datadim0"][()].tolist() == [0, 1, 2]
        assert plot["datadim0"].dtype == np.int64
        assert dict(plot["datadim0"].attrs) == {}
        assert plot["spectrum"][()].tolist() == [[0, 1, 2], [1, 1, 2]]


def test_texts_are_not_plotted(path: Path) -> None:
    played = Played(line_info(**selecting("ctl:")), path)
    played.add("ctl:diode")
    text = channel(played.scan, "ctl:counts", object)
    played.file.add_channel(text)
    played.file.append(points(text, "a", "b"))
    played.feed([line_point(0)], "ctl:diode")
    played.finish()
    with played.reader() as file:
        assert signals(default_plot(file)) == ["diode"]


def test_a_single_point(path: Path) -> None:
    played = Played(line_info(data_dim=0, npoints=1, **selecting("diode", "spectrum")), path)
    played.add("axis:x", "ctl:diode", "ctl:spectrum")
    played.feed([line_point(0)])
    played.finish()
    with played.reader() as file:
        assert file["1.1/instrument/diode/data"][()] == 0.5
        assert file["1.1/instrument/spectrum/data"].shape == (3,)
        plot = file["1.1/plotselect_unknown0D"]
        assert (signals(plot), axes(plot), plot["diode"][()]) == (["diode"], [], 0.5)
        assert axes(file["1.1/plotselect_unknown1D"]) == ["datadim0"]


# -- meshes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keepshape", [False, True])
@pytest.mark.parametrize("snake", [False, True])
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("points", [1, 7, 13, SIZE])
def test_a_mesh_is_on_its_grid(
    path: Path, keepshape: bool, snake: bool, announced: bool, points: int
) -> None:
    """Running, stopped or complete; back and forth, announced or not."""
    played = Played(
        mesh_info(snake=snake, announced=announced, **selecting("counts", "diode")), path, keepshape=keepshape
    )
    played.add(*ALL)
    played.play(partial(mesh_point, snake=snake), points)
    measured = np.full((ROWS, COLUMNS), np.nan)
    for index in range(points):
        value = mesh_point(index, snake=snake)["ctl:counts"]
        measured[value // 100, value % 100 - 1] = value

    def check(plot: h5py.Group, *, complete: bool) -> None:
        assert (signals(plot), axes(plot)) == (["counts", "diode"], ["y", "x"])
        np.testing.assert_array_equal(plot["counts"], measured)
        np.testing.assert_array_equal(plot["diode"], measured / 2)
        assert plot["counts"].attrs["interpretation"] == "image"
        assert plot["counts"].dtype == (np.int32 if complete else np.float64)
        assert plot["x"].attrs["units"] == "mm"
        if announced or points >= 2:
            np.testing.assert_allclose(plot["x"], X)
        assert np.all(np.diff(plot["y"]) > 0)
        rows = -(-points // COLUMNS)
        np.testing.assert_allclose(plot["y"][:rows], Y[:rows])

    with played.reader() as file:
        check(default_plot(file), complete=keepshape and points == SIZE and not snake)
    played.finish()
    with played.reader() as file:
        check(default_plot(file), complete=points == SIZE)


def test_a_complete_mesh_is_a_view_of_the_channel_row_by_row(path: Path) -> None:
    played = Played(mesh_info(**selecting("counts")), path)
    played.add(*ALL)
    played.play(mesh_point, SIZE)
    played.finish()
    with played.reader() as file:
        sources = default_plot(file)["counts"].virtual_sources()
        assert {(source.file_name, source.dset_name) for source in sources} == {
            (".", "/1.1/instrument/counts/data")
        }
        assert len(sources) == ROWS


def test_a_mesh_that_goes_on(path: Path) -> None:
    """More points than announced: the slow axis gets longer, by whole rows."""
    played = Played(mesh_info(**selecting("counts")), path)
    played.add(*ALL)
    played.play(mesh_point, SIZE + 2)
    with played.reader() as file:
        plot = default_plot(file)
        assert plot["counts"].shape == (ROWS + 1, COLUMNS)
        assert len(plot["y"]) == ROWS + 1
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        np.testing.assert_array_equal(plot["counts"][-1], [401, 402, np.nan, np.nan, np.nan])
        assert plot["y"][-1] == 3


def test_points_that_never_came_are_not_zeros(path: Path) -> None:
    played = Played(mesh_info(**selecting("counts")), path)
    played.add(*ALL)
    played.feed([mesh_point(index) for index in range(7)])
    played.skip("ctl:counts", 2)
    played.feed([mesh_point(index) for index in range(9, 12)], "ctl:counts")
    assert "points 7 to 8 never came" in str(played.file.finish(dict(played.info), "", None))
    with played.reader() as file:
        grid = default_plot(file)["counts"][()]
        np.testing.assert_array_equal(np.isnan(grid).ravel()[:12], [False] * 7 + [True] * 2 + [False] * 3)


def test_a_mesh_of_spectra(path: Path) -> None:
    played = Played(mesh_info(**selecting("spectrum")), path)
    played.add(*ALL)
    played.play(mesh_point, 8)
    for _ in range(2):
        with played.reader() as file:
            plot = default_plot(file)
            assert axes(plot) == ["y", "x", "datadim0"]
            assert plot["spectrum"].attrs["interpretation"] == "spectrum"
            np.testing.assert_array_equal(plot["spectrum"][..., 0], grid_of(8))
            np.testing.assert_array_equal(plot["spectrum"][..., 2], grid_of(8) + 2)
        if len(played.files):
            played.finish()


def test_jitter_never_folds_an_axis(path: Path) -> None:
    """Encoders that are less exact than the steps are small: the announced places are shown."""
    played = Played(mesh_info(**selecting("counts")), path)
    played.add(*ALL)
    noise = np.array([0.3, -0.3, 0.3, -0.3, 0.3])

    def jittery(point: int) -> dict[str, Any]:
        values = mesh_point(point)
        return {**values, "axis:x": values["axis:x"] + noise[point % COLUMNS]}

    played.play(jittery, SIZE)
    played.finish()
    with played.reader() as file:
        x = default_plot(file)["x"][()]
        assert np.all(np.diff(x) > 0)
        np.testing.assert_allclose(np.diff(x), 0.25)


@settings(deadline=None, max_examples=10)
@given(st.booleans(), st.booleans(), st.integers(1, SIZE + 3), st.data())
def test_any_cut_into_flushes_gives_the_same_plots(
    keepshape: bool, snake: bool, points: int, data: st.DataObject
) -> None:
    """Whichever channel is ahead of which."""
    found = []
    for cut in (False, True):
        with tempfile.TemporaryDirectory() as directory:
            info = mesh_info(snake=snake, **selecting("counts", "diode", "spectrum"))
            played = Played(info, Path(directory) / "file.h5", keepshape=keepshape)
            played.add(*ALL)
            left = {name: [mesh_point(index, snake=snake) for index in range(points)] for name in ALL}
            while any(left.values()):
                name = data.draw(st.sampled_from([n for n in ALL if left[n]])) if cut else ALL[0]
                count = data.draw(st.integers(1, points)) if cut else points
                for one in [name] if cut else ALL:
                    played.feed(left[one][:count], one)
                    left[one] = left[one][count:]
            played.finish()
            with played.reader() as file:
                plots = [plot for plot in file["1.1"].values() if plot.attrs.get("NX_class") == "NXdata"]
                found.append(
                    {
                        item.name: item[()]
                        for plot in plots
                        for item in plot.values()
                        if hasattr(item, "shape")
                    }
                )
    assert len(found[0]) > 5
    assert found[0].keys() == found[1].keys()
    for name, values in found[0].items():
        np.testing.assert_array_equal(values, found[1][name], err_msg=name)


# -- keepshape -------------------------------------------------------------------------------------------


def test_keepshape_saves_the_grid(path: Path) -> None:
    played = Played(mesh_info(), path, keepshape=True)
    played.add(*ALL)
    played.play(mesh_point, 7)
    played.finish()
    with played.reader() as file:
        counts = file["1.1/measurement/counts"]
        assert counts.shape == (ROWS, COLUMNS)
        assert counts.attrs["interpretation"] == "image"
        assert counts[()].ravel().tolist() == [*grid_of(7).ravel()[:7], *[0] * 13]
        assert counts.attrs["unfilled"].tolist() == [[7, SIZE]]
        mask = file["1.1/instrument/counts/data_mask"]
        assert mask.dtype == bool
        np.testing.assert_array_equal(mask, np.isnan(grid_of(7)))
        assert np.isnan(file["1.1/measurement/x"][1, 2:]).all()
        assert file["1.1/measurement/spectrum"].shape == (ROWS, COLUMNS, 3)
        assert file["1.1/instrument/spectrum/data_mask"].shape == (ROWS, COLUMNS, 3)
        assert "data_mask" not in file["1.1/instrument/diode"]
        assert "default" not in file["1.1"].attrs


def test_keepshape_of_a_full_grid_has_no_mask(path: Path) -> None:
    played = Played(mesh_info(**selecting("counts")), path, keepshape=True)
    played.add(*ALL)
    played.play(mesh_point, SIZE)
    played.finish()
    with played.reader() as file:
        assert list(file["1.1/instrument/counts"]) == ["data"]
        assert default_plot(file).get("counts", getlink=True).path == "/1.1/instrument/counts/data"


@pytest.mark.parametrize("masters", [LINE, TIME])
def test_keepshape_of_a_line_changes_nothing(path: Path, masters: Any) -> None:
    played = Played(line_info(masters), path, keepshape=True)
    played.add("ctl:counts")
    played.play(line_point, 4)
    played.finish()
    with played.reader() as file:
        assert file["1.1/measurement/counts"][()].tolist() == [1, 2, 3, 4]


# -- plots by rank ---------------------------------------------------------------------------------------


def test_plots_by_rank(path: Path) -> None:
    played = Played(line_info(), path, noconfig=True)
    played.add("axis:x", "ctl:diode", "ctl:counts", "ctl:spectrum")
    played.play(line_point, 6)
    played.finish()
    with played.reader() as file:
        entry = file["1.1"]
        assert entry.attrs["default"] == "plotselect"
        assert entry.get("plotselect", getlink=True).path == "/1.1/plot0D"
        assert signals(entry["plot0D"]) == ["diode", "counts"]
        assert axes(entry["plot0D"]) == ["x"]
        assert signals(entry["plot1D"]) == ["spectrum"]
        assert "plot2D" not in entry


@pytest.mark.parametrize("keepshape", [False, True])
@pytest.mark.parametrize("points", [7, SIZE])
def test_plots_by_rank_of_a_mesh_are_scatters(path: Path, keepshape: bool, points: int) -> None:
    played = Played(mesh_info(), path, noconfig=True, keepshape=keepshape)
    played.add(*ALL)
    played.play(mesh_point, points)
    for finished in (False, True):
        with played.reader() as file:
            plot = default_plot(file)
            assert (signals(plot), axes(plot)) == (["diode", "counts"], ["x", "y"])
            counts = plot["counts"][()]
            np.testing.assert_array_equal(counts[:points], grid_of(SIZE).ravel()[:points])
            assert np.isnan(counts[points:]).all()
            assert plot["x"].shape == plot["y"].shape == counts.shape == ((points if finished else SIZE),)
            spectra = file["1.1/plot1D"]
            assert axes(spectra) == []
            assert spectra["spectrum"][()][points - 1].tolist() == mesh_point(points - 1)["ctl:spectrum"]
        if not finished:
            played.finish()


def test_a_motor_ahead_in_a_scatter_of_a_kept_grid(path: Path) -> None:
    played = Played(mesh_info(), path, noconfig=True, keepshape=True)
    played.add(*ALL)
    played.play(mesh_point, 7)
    played.feed([mesh_point(7)], "axis:x", "axis:y")
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        assert plot["counts"].shape == plot["x"].shape == (7,)


def test_plots_by_rank_and_a_selection(path: Path) -> None:
    """The classic writer fails on it."""
    played = Played(mesh_info(**selecting("counts")), path, noconfig=True)
    played.add(*ALL)
    played.play(mesh_point, 7)
    played.finish()
    with played.reader() as file:
        plot = default_plot(file)
        assert plot.name == "/1.1/plotselect"
        assert axes(plot) == ["y", "x"]
        assert "plot0D" in file["1.1"]
        assert "plot1D" in file["1.1"]


def test_no_selection_no_plot(path: Path) -> None:
    played = Played(line_info(), path)
    played.add("axis:x", "ctl:diode")
    played.play(line_point, 6)
    played.finish()
    with played.reader() as file:
        assert "default" not in file["1.1"].attrs
        classes = {item.attrs.get("NX_class") for item in file["1.1"].values()}
        assert "NXdata" not in classes


# -- splitting and names ---------------------------------------------------------------------------------


def test_signals_of_different_shapes_are_different_plots(path: Path) -> None:
    """Told apart by the kind of device."""
    counters = {
        "ctl:diode": {"device_type": "samplingcounter", "data_type": "signal"},
        "ctl:spectrum": {"device_type": "foo"},
    }
    played = Played(line_info(counters=counters, **selecting("spectrum", "diode")), path)
    played.add("axis:x", "ctl:diode", "ctl:spectrum")
    played.play(line_point, 6)
    played.finish()
    with played.reader() as file:
        assert signals(file["1.1/plotselect_foo"]) == ["spectrum"]
        assert signals(file["1.1/plotselect_samplingcounter"]) == ["diode"]
        assert file["1.1"].get("plotselect", getlink=True).path == "/1.1/plotselect_foo"
        assert default_plot(file) == file["1.1/plotselect_foo"]


def test_signals_of_different_lengths_are_different_plots(path: Path) -> None:
    """Told apart by numbers where the kind of device is the same; running they are one."""
    played = Played(line_info(**selecting("diode", "counts")), path)
    played.add("axis:x", "ctl:diode", "ctl:counts")
    played.play(line_point, 3)
    played.feed([line_point(3)], "ctl:diode", "axis:x")
    with played.reader() as file:
        assert signals(default_plot(file)) == ["diode", "counts"]
    played.finish()
    with played.reader() as file:
        assert signals(file["1.1/plotselect_unknown0D1"]) == ["counts"]
        assert signals(file["1.1/plotselect_unknown0D2"]) == ["diode"]
        assert file["1.1/plotselect_unknown0D1/x"].shape == (3,)
        assert file["1.1"].get("plotselect", getlink=True).path.startswith("/1.1/plotselect_unknown0D")
        assert len(signals(default_plot(file))) == 1


def test_plots_of_the_technique(path: Path) -> None:
    technique = {
        "name": "xrf",
        "plots": {"counters": {"items": ["counts"], "grid": True}, "all points": {"ndim": 0, "grid": False}},
        "plotselect": "all points",
    }
    info = mesh_info()
    info["nexuswriter"]["technique"] = technique
    played = Played(info, path)
    played.add(*ALL)
    played.play(mesh_point, SIZE)
    played.finish()
    with played.reader() as file:
        assert file["1.1"].get("plotselect", getlink=True).path == "/1.1/all_points"
        assert axes(file["1.1/all_points"]) == ["x", "y"]
        assert file["1.1/counters/counts"].shape == (ROWS, COLUMNS)


def test_a_plot_never_takes_the_place_of_something_else(path: Path) -> None:
    mine = {"@NX_class": "NXcollection", "x": 1}
    info = line_info(**selecting("diode"), scan_meta_categories=["plotselect"], plotselect=mine)
    played = Played(info, path)
    played.add("axis:x", "ctl:diode")
    played.file.prepare(played.info)
    played.play(line_point, 6)
    played.finish()
    with played.reader() as file:
        assert file["1.1/plotselect/x"][()] == 1
        assert file["1.1"].attrs["default"] == "plotselect0"
        assert signals(default_plot(file)) == ["diode"]


def test_a_selection_that_changes(path: Path) -> None:
    """While the scan runs, in noconfig mode, where the name is a link already."""
    info = line_info(**selecting())
    played = Played(info, path, noconfig=True)
    played.add("axis:x", "ctl:diode", "ctl:counts")
    played.play(line_point, 3)
    played.info = {**info, **selecting("counts")}
    played.finish()
    with played.reader() as file:
        assert signals(default_plot(file)) == ["counts"]
        assert isinstance(file["1.1"].get("plotselect", getlink=True), h5py.HardLink)


def test_the_root_shows_the_subscan_that_has_a_plot(path: Path) -> None:
    masters = {
        "timer": {"timer": ["timer:elapsed_time"]},
        "other": {"m": ["other:motor"], "d": ["other:diode"]},
    }
    played = Played(line_info(masters, **selecting("diode")), path)
    played.add("timer:elapsed_time", "other:motor", "other:diode")
    played.feed([{"timer:elapsed_time": 0.0}], "timer:elapsed_time")
    with played.reader() as file:
        assert file.attrs["default"] == "1.1"
    played.feed([{"other:motor": 1.0, "other:diode": 2.0}], "other:motor", "other:diode")
    with played.reader() as file:
        assert signals(default_plot(file, "1.2")) == ["diode"]
    played.finish()
    with played.reader() as file:
        assert axes(default_plot(file, "1.2")) == ["motor"]


def test_a_thousand_signals_do_not_slow_a_running_scan(path: Path) -> None:
    names = [f"ctl:c{number}" for number in range(100)]
    played = Played(
        line_info({"timer": {"timer": ["timer:elapsed_time"], "ctl": names}}), path, noconfig=True
    )
    played.add("timer:elapsed_time", *names)
    point = dict.fromkeys(("timer:elapsed_time", *names), 1.0)
    played.feed([point])
    with played.reader() as file:
        assert len(signals(default_plot(file))) == 32
    played.finish()
    with played.reader() as file:
        assert len(signals(default_plot(file))) == 100


@pytest.mark.parametrize("keepshape", [False, True])
def test_a_resumed_mesh_is_where_its_motors_were(path: Path, keepshape: bool) -> None:
    """Also before the writer was stopped: Redis has nothing of that any more, and nobody announced it."""
    info = mesh_info(announced=False, **SELECT_DIODE)
    names = ("axis:x", "axis:y", "ctl:diode")
    stopped = Played(info, path, keepshape=keepshape)
    stopped.add(*names)
    stopped.play(mesh_point, 12)
    stopped.file.finish(None, "", "the writer was stopped", may_go_on=True)
    resumed = Played(info, path, keepshape=keepshape)
    resumed.add(*names)
    for name in names:
        resumed.skip(name, 12)
    resumed.feed([mesh_point(point) for point in range(12, SIZE)])
    resumed.finish()
    with resumed.reader() as file:
        plot = default_plot(file)
        np.testing.assert_allclose(plot["x"], X)
        np.testing.assert_allclose(plot["y"], Y)
        np.testing.assert_array_equal(plot["diode"], grid_of(SIZE) / 2)
