"""What plots in files show."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.cli.file_target import FileTarget
from nexus_writer.cli.plot_data import MAX_LENGTH, NoPlot, PlotData, read_plot

from .nexus_files import PEAK, X, Y, add_plot, write_file


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_file(tmp_path_factory.mktemp("plots") / "file.h5")


def plot_of(path: Path, item: str = "/") -> PlotData:
    return FileTarget(path, item).read(read_plot)


def test_a_curve(path: Path) -> None:
    plot = plot_of(path, "/1.1")
    assert plot.title == "1.1  scan 1.1"
    (signal,), (axis,) = plot.signals, plot.axes
    assert (signal.label, signal.units) == ("diode (uA)", "uA")
    np.testing.assert_array_equal(signal.values, X**2)
    assert axis is not None
    assert axis.label == "x (mm)"
    assert not plot.scatter
    assert not plot.spectra


def test_the_file_shows_its_default(path: Path) -> None:
    assert plot_of(path).title == plot_of(path, "/10.1").title == plot_of(path, "/10.1/plotselect").title


@pytest.mark.parametrize(
    ("entry", "axes"),
    [
        ("3.1", ["y", "x"]),
        ("5.1", ["y", "datadim0"]),
        ("7.1", ["y", "x", "d"]),
        ("8.1", []),
        ("9.1", [None]),
        ("10.1", [None, "x"]),
    ],
)
def test_an_axis_for_each_dimension(path: Path, entry: str, axes: list[str | None]) -> None:
    assert [axis and axis.label for axis in plot_of(path, f"/{entry}").axes] == axes


def test_kinds(path: Path) -> None:
    assert plot_of(path, "/4.1").scatter
    assert [axis and axis.label for axis in plot_of(path, "/4.1").axes] == ["x", "y"]
    assert plot_of(path, "/5.1").spectra
    assert len(plot_of(path, "/10.1").signals) == 12
    assert plot_of(path, "/6.1").title.endswith("(running)")
    np.testing.assert_array_equal(plot_of(path, "/9.1").signals[0].values, X)


@pytest.mark.parametrize("item", ["/1.1/title", "/empty", "/circle", "/plotless", "/dangling"])
def test_nothing_to_plot(tmp_path: Path, item: str) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["1.1/title"] = "text"
        file.create_group("empty")
        file.create_group("circle").attrs["default"] = "."
        file.create_group("plotless").attrs["NX_class"] = "NXdata"
        file.create_group("dangling").attrs["default"] = "gone"
    with pytest.raises(NoPlot, match=f"{path}::{item} has no default plot: "):
        plot_of(path, item)


def test_an_axis_for_the_last_dimension_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        add_plot(file, "1.1", {"s": PEAK}, {"d": X}, interpretation="spectrum")
    assert [axis and axis.label for axis in plot_of(path).axes] == [None, "d"]


def test_an_axis_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        add_plot(file, "1.1", {"s": X}, {"d": Y})
    assert plot_of(path).axes == [None]


def test_a_large_image_is_thinned_out(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        places = np.arange(3 * MAX_LENGTH)
        add_plot(file, "1.1", {"s": np.zeros((2, 3 * MAX_LENGTH))}, {"y": [0, 1], "x": places})
    plot = plot_of(path)
    assert plot.signals[0].values.shape == (2, MAX_LENGTH)
    assert plot.axes[1] is not None
    assert plot.axes[1].values[:3].tolist() == [0, 3, 6]
