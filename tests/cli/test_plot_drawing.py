"""What matplotlib is told to draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nexus_writer.cli.plot_data import PlotData, Series
from nexus_writer.cli.plot_drawing import draw_in, draw_plot

figures = pytest.importorskip("matplotlib.figure")

X, Y = Series("x (mm)", np.arange(3.0), "mm"), Series("y", np.array([0.0, 2.0]))
MAP = np.array([[1.0, 2, 3], [4, np.nan, 6]])


def drawn(plot: PlotData) -> list[Any]:
    """The panels, without those of colour bars."""
    figure = figures.Figure(layout="constrained")
    draw_plot(figure, plot)
    assert figure.get_suptitle().startswith(plot.title)
    return [panel for panel in figure.axes if panel.get_label() != "<colorbar>" and panel.axison]


def image(panel: Any) -> np.ma.MaskedArray:
    return panel.collections[0].get_array()


def test_curves_of_the_same_units_share_a_panel() -> None:
    signals = [Series("a (V)", np.arange(3), "V"), Series("c", np.ones(3)), Series("b (V)", np.zeros(3), "V")]
    upper, lower = drawn(PlotData("title", signals, [X]))
    assert [line.get_label() for line in upper.lines] == ["a (V)", "b (V)"]
    np.testing.assert_array_equal(upper.lines[0].get_xydata(), [[0, 0], [1, 1], [2, 2]])
    assert lower.get_ylabel() == "c"
    assert lower.get_xlabel() == "x (mm)"


def test_units_beyond_the_last_panel_share_it() -> None:
    signals = [Series(f"s{number}", np.arange(3), f"u{number}") for number in range(6)]
    assert [len(panel.lines) for panel in drawn(PlotData("title", signals, [None]))] == [1, 1, 1, 3]


def test_a_curve_without_axis_is_over_its_points() -> None:
    (panel,) = drawn(PlotData("title", [Series("a", np.array([5, 6]))], [None]))
    assert panel.get_xlabel() == "point"
    assert panel.lines[0].get_xdata().tolist() == [0, 1]


def test_a_single_value() -> None:
    (panel,) = drawn(PlotData("title", [Series("a", np.array(5))], []))
    assert panel.lines[0].get_ydata().tolist() == [5]


def test_a_map_over_its_positions() -> None:
    """Holes are holes."""
    (panel,) = drawn(PlotData("title", [Series("map", MAP)], [Y, X]))
    np.testing.assert_array_equal(image(panel).filled(-1).ravel(), [1, 2, 3, 4, -1, 6])
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("x (mm)", "y")
    assert panel.get_xlim() == (-0.5, 2.5)
    assert panel.get_ylim() == (-1, 3)


def test_a_panel_for_each_map() -> None:
    signals = [Series(f"m{number}", MAP + number) for number in range(12)]
    panels = drawn(PlotData("title", signals, [Y, X]))
    assert [image(panel).ravel()[0] for panel in panels] == [1 + number for number in range(9)]


def test_a_scatter() -> None:
    places = Series("y", np.array([3.0, 4, 5]))
    (panel,) = drawn(PlotData("title", [Series("s", np.arange(3))], [X, places], scatter=True))
    np.testing.assert_array_equal(panel.collections[0].get_offsets(), [[0, 3], [1, 4], [2, 5]])
    assert image(panel).tolist() == [0, 1, 2]
    assert panel.get_ylabel() == "y"


def test_spectra_along_a_line_go_up() -> None:
    spectra = Series("mca", np.array([[0, 9, 99], [0, 0, 999]]))
    channels = Series("datadim0", np.arange(3))
    (panel,) = drawn(PlotData("title", [spectra], [Y, channels], spectra=True))
    np.testing.assert_allclose(image(panel).reshape(3, 2), [[0, 0], [1, 0], [2, 3]])
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("y", "datadim0")


def test_spectra_on_a_grid_are_summed_up() -> None:
    spectra = np.stack([MAP, MAP], axis=-1)
    spectra[0, 0, 1] = np.nan
    (panel,) = drawn(PlotData("title", [Series("mca", spectra)], [Y, X, None], spectra=True))
    np.testing.assert_array_equal(image(panel).filled(-1).ravel(), [1, 4, 6, 8, -1, 12])


def test_the_last_frame_that_is_there() -> None:
    frames = np.stack([MAP, MAP * 2, np.full_like(MAP, np.nan)])
    (panel,) = drawn(PlotData("title", [Series("cam", frames)], [None, None, None]))
    assert image(panel).filled(-1).ravel()[:3].tolist() == [2, 4, 6]


def test_an_axis_that_is_not_known_yet_is_left_out() -> None:
    axis = Series("y", np.array([0, np.nan]))
    (panel,) = drawn(PlotData("title", [Series("map", MAP)], [axis, X]))
    assert panel.get_ylim() == (-0.5, 1.5)


def test_in_a_panel_of_another_figure() -> None:
    figure = figures.Figure()
    panels = figure.subplots(1, 2)
    draw_in(figure, panels[0], PlotData("curve", [Series("a", np.arange(3))], [X]))
    draw_in(figure, panels[1], PlotData("map", [Series("map", MAP), Series("other", MAP)], [Y, X]))
    assert [panel.get_title() for panel in panels] == ["curve", "map"]
    assert len(panels[1].collections) == 1
