"""Plots as pictures, by matplotlib: curves, scatters, maps, spectra along a line, images."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from .plot_data import PlotData, Series, Values

COLUMNS = 3
MAX_PANELS = 9
MAX_CURVE_PANELS = 4
PANEL_INCHES = (4.8, 3.8)
CURVE_INCHES = (7.0, 4.6)


def draw_plot(figure: Any, plot: PlotData) -> None:
    """Draw into an empty matplotlib figure, and give it the size that the panels take."""
    figure.suptitle(plot.title, fontsize=10)
    if _is_curve(plot):
        groups = _by_units(plot)
        figure.set_size_inches(CURVE_INCHES[0], CURVE_INCHES[1] + 2.4 * (len(groups) - 1))
        panels = np.ravel(figure.subplots(len(groups), sharex=True))
        for panel, signals in zip(panels, groups, strict=True):
            draw_curves(panel, plot, signals)
            panel.label_outer()
        return
    shown = min(len(plot.signals), MAX_PANELS)
    columns = min(COLUMNS, shown)
    rows = ceil(shown / columns)
    figure.set_size_inches(max(PANEL_INCHES[0] * columns, 6.0), PANEL_INCHES[1] * rows)
    grid = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for panel, signal in zip(grid, plot.signals, strict=False):
        draw_map(figure, panel, plot, signal)
    for empty in grid[shown:]:
        empty.set_axis_off()
    more = len(plot.signals) - shown
    if more:
        figure.suptitle(f"{plot.title}  (and {more} more signals)", fontsize=10)


def draw_in(figure: Any, panel: Any, plot: PlotData) -> None:
    """Draw into one panel of a figure: the signals with the units of the first, or the first one as a map."""
    if _is_curve(plot):
        draw_curves(panel, plot, _by_units(plot)[0])
    else:
        draw_map(figure, panel, plot, plot.signals[0])
    panel.set_title(plot.title, fontsize=8)


def draw_curves(panel: Any, plot: PlotData, signals: Sequence[Series]) -> None:
    """Signals over the first axis."""
    axis = plot.axes[0] if plot.axes else None
    for signal in signals:
        y = np.atleast_1d(signal.values)
        x = np.arange(len(y)) if axis is None else axis.values
        panel.plot(x, y, ".-", markersize=4, linewidth=1, label=signal.label)
    panel.set_xlabel("point" if axis is None else axis.label)
    if len(signals) == 1:
        panel.set_ylabel(signals[0].label)
    else:
        panel.legend(fontsize=8)


def draw_map(figure: Any, panel: Any, plot: PlotData, signal: Series) -> None:
    """One signal over two axes, its values as colours."""
    if plot.scatter:
        x, y = plot.axes[0], plot.axes[1]
        assert x is not None
        assert y is not None
        drawn = panel.scatter(x.values, y.values, c=signal.values, s=_marker_size(len(signal.values)))
        label = signal.label
    else:
        values, axes, label = _two_dimensions(plot, signal)
        y, x = axes
        drawn = _draw_image(panel, values, x, y)
    panel.set_xlabel("" if x is None else x.label)
    panel.set_ylabel("" if y is None else y.label)
    figure.colorbar(drawn, ax=panel, label=label)


def _draw_image(panel: Any, values: Values, x: Series | None, y: Series | None) -> Any:
    """Over the positions of its axes where they can be drawn, else over indices."""
    values = np.ma.masked_invalid(np.asarray(values, dtype=float))
    places = [
        np.arange(length) if axis is None or not np.all(np.isfinite(axis.values)) else axis.values
        for axis, length in ((x, values.shape[1]), (y, values.shape[0]))
    ]
    drawn = panel.pcolormesh(*places, values, shading="nearest")
    panel.set_facecolor("0.9")
    return drawn


def _two_dimensions(plot: PlotData, signal: Series) -> tuple[Values, list[Series | None], str]:
    """What can be drawn as an image of a signal with two dimensions or more."""
    values, axes, label = signal.values, list(plot.axes), signal.label
    if plot.spectra and values.ndim == 2:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.log10(values.astype(float) + 1).T, axes[::-1], f"log10(1 + {label})"
    if plot.spectra:
        while values.ndim > 2:
            values = _sum(values)
        return values, axes[:2], f"sum of {label}"
    if values.ndim > 2:
        last = _last_measured(values.reshape(-1, *values.shape[-2:]))
        frames = int(np.prod(values.shape[:-2]))
        values = values.reshape(-1, *values.shape[-2:])[last]
        label = f"{label}, frame {last + 1} of {frames}"
    return values, axes[-2:], label


def _sum(values: Values) -> Values:
    """Along the last dimension; NaN only where nothing is a number."""
    sums = np.asarray(np.nansum(values, axis=-1), dtype=float)
    sums[np.all(np.isnan(values.astype(float)), axis=-1)] = np.nan
    return sums


def _last_measured(frames: Values) -> int:
    for index in range(len(frames) - 1, 0, -1):
        if np.any(np.isfinite(frames[index])):
            return index
    return 0


def _by_units(plot: PlotData) -> list[list[Series]]:
    """The signals that can share an axis: those of the same units, but not more than ``MAX_CURVE_PANELS``."""
    groups: dict[str, list[Series]] = {}
    for signal in plot.signals:
        groups.setdefault(signal.units, []).append(signal)
    parts = list(groups.values())
    last = [signal for part in parts[MAX_CURVE_PANELS - 1 :] for signal in part]
    return [*parts[: MAX_CURVE_PANELS - 1], *([last] if last else [])]


def _is_curve(plot: PlotData) -> bool:
    return plot.signals[0].values.ndim < 2 and not plot.scatter


def _marker_size(points: int) -> float:
    """So that the markers of a mesh nearly touch."""
    return float(np.clip(20_000 / max(points, 1), 2, 120))
