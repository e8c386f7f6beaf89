"""A picture of all scans in a file: the default plot of each."""

from __future__ import annotations

from pathlib import Path

import h5py

from ..file_target import FileTarget
from ..plot_data import read_plot
from ..plot_drawing import draw_in

COLUMNS = 3


def draw_measurement(path: Path, picture: Path) -> None:
    """A PNG with a panel for each scan of the file: curves, maps, or spectra by position."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plots = [FileTarget(path, f"/{entry}").read(read_plot) for entry in entries(path)]
    rows = -(-len(plots) // COLUMNS)
    figure = Figure(figsize=(5.4 * COLUMNS, 3.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for place, plot in enumerate(plots, start=1):
        draw_in(figure, figure.add_subplot(rows, COLUMNS, place), plot)
    figure.suptitle(path.name)
    figure.savefig(picture, dpi=110)


def entries(path: Path) -> list[str]:
    """In the order of their numbers."""
    with h5py.File(path) as file:
        return sorted(file, key=lambda name: [int(part) for part in name.split(".")])
