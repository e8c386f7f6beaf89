"""A picture of all scans in a file, read back from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

COLUMNS = 3
SECONDS = "elapsed_time"
PREFERRED = ("fluo", "bragg", "current")
"""Detectors to show where a scan has several; else the first one that is no clock."""

Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one channel, (n,) or (n, length), with a label for an axis."""

    label: str
    values: Values


@dataclass(frozen=True, slots=True)
class Panel:
    """One scan: a signal over one or two scanned axes."""

    title: str
    axes: tuple[Series, ...]
    signal: Series


def draw_measurement(path: Path, picture: Path) -> None:
    """A PNG with a panel for each scan of the file: curves, maps, or spectra by position."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = read_panels(path)
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(5.4 * COLUMNS, 3.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, panel in enumerate(panels, start=1):
        _draw(figure.add_subplot(rows, COLUMNS, place), panel, figure)
    figure.suptitle(path.name)
    figure.savefig(picture, dpi=110)


def read_panels(path: Path) -> list[Panel]:
    """What to draw of each entry, in the order of their numbers."""
    with h5py.File(path) as file:
        names = sorted(file, key=lambda name: [int(part) for part in name.split(".")])
        return [_panel(name, file[name]) for name in names]


def _panel(name: str, entry: h5py.Group) -> Panel:
    moved: list[Series] = []
    clocks: list[Series] = []
    signals: list[Series] = []
    measurement = entry["measurement"]
    for link in measurement:
        dataset = entry[measurement.get(link, getlink=True).path]
        series = Series(_label(link, dataset), dataset[()])
        if link in (SECONDS, "epoch"):
            clocks.append(series)
        elif dataset.parent.attrs["NX_class"] == "NXpositioner":
            moved.append(series)
        else:
            signals.append(series)
    best = max(signals, key=lambda s: (s.values.ndim, s.label.startswith(PREFERRED)))
    title = f"{name}  {entry['title'].asstr()[()]}"
    return Panel(title, tuple(moved or clocks[:1]), best)


def _label(name: str, dataset: h5py.Dataset) -> str:
    units = dataset.attrs.get("units")
    return f"{name} ({units})" if units else name


def _draw(axes: Any, panel: Panel, figure: Any) -> None:
    axes.set_title(panel.title, fontsize=8)
    signal = panel.signal.values
    x = panel.axes[0]
    if signal.ndim == 2:
        image = axes.pcolormesh(x.values, np.arange(signal.shape[1]), np.log1p(signal.T), shading="nearest")
        figure.colorbar(image, ax=axes, label=f"log(1 + {panel.signal.label})")
        axes.set_ylabel("channel")
    elif len(panel.axes) == 2:
        _draw_map(axes, panel, figure)
    else:
        axes.plot(x.values, signal, ".-", markersize=4, linewidth=1)
        axes.set_ylabel(panel.signal.label)
    axes.set_xlabel(x.label)


def _draw_map(axes: Any, panel: Panel, figure: Any) -> None:
    """A mesh as an image; its axes are the places where something was measured."""
    x, y = panel.axes
    columns, rows = np.unique(x.values), np.unique(y.values)
    grid = np.full((len(rows), len(columns)), np.nan)
    grid[np.searchsorted(rows, y.values), np.searchsorted(columns, x.values)] = panel.signal.values
    image = axes.pcolormesh(columns, rows, grid, shading="nearest")
    figure.colorbar(image, ax=axes, label=panel.signal.label)
    axes.set_ylabel(y.label)
