"""``nexus-writer plot``: the default plot of a file or an entry, as a PNG or in a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import CommandError
from .file_target import FileTarget
from .plot_data import PlotData, read_plot

PNG_DPI = 110


def plot(target: FileTarget, output: Path | None) -> None:
    """Raises CommandError where there is nothing to plot, no matplotlib, or no place for the picture."""
    data = target.read(read_plot)
    if output is None:
        _show(data)
    else:
        save_plot(data, output)


def save_plot(data: PlotData, output: Path) -> None:
    """In the format that the name of the file asks for."""
    _check_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from .plot_drawing import draw_plot

    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    draw_plot(figure, data)
    try:
        figure.savefig(output, dpi=PNG_DPI)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CommandError(f"cannot write {output}: {why}") from None
    print(output)


def _show(data: PlotData) -> None:
    _check_matplotlib()
    import matplotlib
    from matplotlib import pyplot

    from .plot_drawing import draw_plot

    figure: Any = pyplot.figure(layout="constrained")
    if matplotlib.get_backend().lower() == "agg":
        raise CommandError("there is no display for a window: give a file for the picture with --output")
    draw_plot(figure, data)
    pyplot.show()


def _check_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise CommandError("plots need matplotlib: install the extra 'plot' of nexus-writer") from None
