"""What a plot is made of, before it is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nexus_writer.model import GridOrder

from .plot_channel import Range


@dataclass(frozen=True, slots=True)
class Link:
    """The channel itself. ``axes`` are told at its dataset: names with colons between them, "" for none."""

    path: str
    axes: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """The points of a channel in another shape.

    ``ranges`` are the points that are shown; None for a view that grows. The channel is flat unless
    ``kept``: then it has the shape of the grid. ``line``: what is kept is shown as a line of this length.
    ``by_row``: with a source for each row.
    """

    path: str
    order: GridOrder
    point_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    ranges: tuple[Range, ...] | None = None
    kept: bool = False
    line: int | None = None
    by_row: bool = False
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """The first ``points`` of a channel, followed by NaN where it has less."""

    path: str
    points: int
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The positions along axis ``index`` of the grid, ``length`` of them."""

    index: int
    length: int
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Indices:
    """0, 1, 2 ...: a dimension of a point."""

    length: int


Member = Link | View | Copy | Places | Indices


@dataclass(frozen=True, slots=True)
class Plot:
    """One NXdata: names of signals and axes, and what each name stands for.

    ``scattered``: every point of the signals has a place along each of the axes.
    """

    name: str
    signals: tuple[str, ...]
    axes: tuple[str, ...]
    members: tuple[tuple[str, Member], ...]
    scattered: bool = False
