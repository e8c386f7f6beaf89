"""Which plots a scan has, and of what. Pure: channels in, plans out.

While the scan runs, channels are not equally long: a motor is a point ahead while a detector still counts. So
a running plot shows all of them in the shape that they will have, with NaN where nothing was measured yet;
when the scan has ended, those of a line are the channels themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from nexus_writer.model import GridOrder, PlotRequest

from .interpretation import interpretation
from .plot_channel import PlotChannel, Range

NO_AXIS = "."
"""NeXus' name for a dimension without axis."""

RUNNING_SIGNALS = 32
"""A running plot has not more signals: nobody looks at a thousand curves, and each costs 0.1 ms."""

MAX_PIECES = 20_000
"""A grid that takes more pieces (about 30 us each) is shown point by point."""

UNKNOWN_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Link:
    """The channel itself."""

    path: str


@dataclass(frozen=True, slots=True)
class View:
    """The points of a channel in another shape.

    ``ranges`` are the points that are shown; None for a view that grows. The channel is flat unless
    ``kept``: then it has the shape of the grid. ``line``: what is kept is shown as a line of this length.
    """

    path: str
    order: GridOrder
    point_shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    ranges: tuple[Range, ...] | None = None
    kept: bool = False
    line: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()


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


Member = Link | View | Places | Indices


@dataclass(frozen=True, slots=True)
class Plot:
    """One NXdata: names of signals and axes, and what each name stands for."""

    name: str
    signals: tuple[str, ...]
    axes: tuple[str, ...]
    members: tuple[tuple[str, Member], ...]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the points of a scan lie: ``order`` is that of its grid, None for a scan of a single point.

    ``kept``: the datasets have the shape of the grid. ``running``: more points will come.
    """

    order: GridOrder | None
    npoints: int
    kept: bool
    running: bool

    @property
    def is_mesh(self) -> bool:
        return self.order is not None and len(self.order.shape) > 1


def plots_of(request: PlotRequest, channels: Sequence[PlotChannel], arrangement: Arrangement) -> list[Plot]:
    """The plots that ``request`` asks for: none without signals, several when these have different shapes.

    ``channels`` have data, and are in the order of their nodes.
    """
    by_name = {channel.name: channel for channel in channels}
    detectors = [(c.name, c.rank) for c in channels if not c.is_positioner and c.plottable]
    signals = [by_name[name] for name in request.select(detectors)]
    axes = sorted((c for c in channels if c.axis is not None), key=lambda c: c.axis or 0)
    draw = _drawing(request, signals, arrangement)
    if arrangement.running:
        signals = signals[:RUNNING_SIGNALS]
    parts = _split(signals, arrangement, draw)
    return [draw(name, part, axes, arrangement) for name, part in _named(request.name, parts)]


Drawing = Callable[[str, Sequence[PlotChannel], Sequence[PlotChannel], Arrangement], Plot]


def _drawing(request: PlotRequest, signals: Sequence[PlotChannel], arrangement: Arrangement) -> Drawing:
    order = arrangement.order
    if order is None:
        return _single_point
    if not arrangement.is_mesh:
        return _line
    pieces = order.growing_count * max(1, min(len(signals), RUNNING_SIGNALS))
    needs_pieces = arrangement.running or order.turns
    if request.grid and not (needs_pieces and pieces > MAX_PIECES):
        return _grid
    return _flattened if arrangement.kept else _line


def _split(
    signals: Sequence[PlotChannel], arrangement: Arrangement, draw: Drawing
) -> list[list[PlotChannel]]:
    """Signals that fit into one plot: those of the same shape."""
    parts: dict[object, list[PlotChannel]] = {}
    for signal in signals:
        by_points = draw is not _grid and not arrangement.running
        key = (signal.points if by_points else 0, signal.point_shape)
        parts.setdefault(key, []).append(signal)
    return list(parts.values())


def _named(name: str, parts: list[list[PlotChannel]]) -> Iterable[tuple[str, list[PlotChannel]]]:
    """Several parts are told apart by the type of device, and by a number where that does not do."""
    if len(parts) == 1:
        return [(name, parts[0])]
    kinds = [part[0].device_type for part in parts]
    if len(set(kinds)) == len(kinds):
        return [(f"{name}_{kind}", part) for kind, part in zip(kinds, parts, strict=True)]
    parts = sorted(parts, key=lambda part: sorted(signal.link for signal in part))
    return [(f"{name}_{part[0].device_type}{i}", part) for i, part in enumerate(parts, 1)]


def _single_point(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[PlotChannel], arrangement: Arrangement
) -> Plot:
    members: dict[str, Member] = {signal.link: Link(signal.path) for signal in signals}
    return _plot(name, signals, [], members)


def _line(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[PlotChannel], arrangement: Arrangement
) -> Plot:
    """Signals over the scanned axes, point by point: a curve, or a scatter of a mesh."""
    scattered = arrangement.is_mesh and signals[0].rank > 0
    if signals[0].rank:
        axes = () if scattered else axes[:1]
    names = None if scattered else [axis.link for axis in axes]
    members: dict[str, Member] = {signal.link: Link(signal.path) for signal in signals}
    if not arrangement.running:
        members |= {axis.link: _as_long_as(signals[0].points, axis) for axis in axes}
    else:
        order = GridOrder.forward((_line_length(arrangement, [*signals, *axes]),))
        members = {channel.link: _growing(channel, order) for channel in [*signals, *axes]}
    return _plot(name, signals, names, members)


def _grid(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[PlotChannel], arrangement: Arrangement
) -> Plot:
    """Signals on the grid, the slow axis first."""
    assert arrangement.order is not None
    points = max(channel.points for channel in (*signals, *axes))
    order = arrangement.order.with_rows_for(points)
    members: dict[str, Member] = {}
    for signal in signals:
        members[signal.link] = _on_grid(signal, order, arrangement)
    scanned: dict[int, PlotChannel] = {axis.axis: axis for axis in axes if axis.axis is not None}
    names = []
    for index, length in enumerate(reversed(order.shape)):
        axis = scanned.get(index)
        names.append(NO_AXIS if axis is None else axis.link)
        if axis is not None:
            members[axis.link] = Places(index, length, axis.unit)
    return _plot(name, signals, names[::-1], members)


def _flattened(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[PlotChannel], arrangement: Arrangement
) -> Plot:
    """What is kept in the shape of the grid, point by point."""
    names = None if signals[0].rank else [axis.link for axis in axes]
    axes = () if signals[0].rank else axes
    length = prod(signals[0].grid) if arrangement.running else signals[0].points
    members: dict[str, Member] = {}
    for channel in (*signals, *axes):
        if not channel.kept:
            members[channel.link] = Link(channel.path)
            continue
        ranges = tuple((start, min(stop, length)) for start, stop in channel.measured if start < length)
        complete = ranges == ((0, length),)
        members[channel.link] = View(
            channel.path,
            GridOrder.forward(channel.grid),
            channel.point_shape,
            channel.dtype if complete else channel.dtype_with_nan,
            ranges,
            kept=True,
            line=length,
            attributes=_attributes(channel, 1),
        )
    return _plot(name, signals, names, members)


def _on_grid(signal: PlotChannel, order: GridOrder, arrangement: Arrangement) -> Member:
    """As simple as possible: the channel itself, all of its points in one piece, or those that there are."""
    complete = signal.has_all(prod(order.shape))
    as_it_is = signal.grid == order.shape and not order.turns
    if as_it_is and (complete or signal.dtype.kind in "fc"):
        return Link(signal.path)
    grows = arrangement.running and not signal.kept
    return View(
        signal.path,
        order,
        signal.point_shape,
        signal.dtype if complete and not arrangement.running else signal.dtype_with_nan,
        None if grows else signal.measured,
        kept=signal.kept,
        attributes=_attributes(signal, len(order.shape)),
    )


def _growing(channel: PlotChannel, order: GridOrder) -> View:
    return View(
        channel.path,
        order,
        channel.point_shape,
        channel.dtype_with_nan,
        attributes=_attributes(channel, 1),
    )


def _attributes(channel: PlotChannel, grid_rank: int) -> tuple[tuple[str, str], ...]:
    shown_as = interpretation(channel.rank, grid_rank)
    texts = {"interpretation": shown_as, "units": channel.unit}
    return tuple((name, text) for name, text in texts.items() if text)


def _as_long_as(points: int, axis: PlotChannel) -> Member:
    """An axis with a value for each point of the signals: a motor that went ahead is cut, NaN follows one
    that stayed behind."""
    if axis.points == points or not axis.plottable:
        return Link(axis.path)
    ranges = tuple((start, min(stop, points)) for start, stop in axis.measured if start < points)
    order = GridOrder.forward((points,))
    return View(
        axis.path,
        order,
        axis.point_shape,
        axis.dtype_with_nan,
        ranges,
        attributes=_attributes(axis, 1),
    )


def _line_length(arrangement: Arrangement, channels: Sequence[PlotChannel]) -> int:
    """As announced; where more points come, or nothing is announced, doubled as often as it takes."""
    length = arrangement.npoints or UNKNOWN_LENGTH
    points = max(channel.points for channel in channels)
    while length < points:
        length *= 2
    return length


def _plot(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[str] | None, members: Mapping[str, Member]
) -> Plot:
    """``axes`` are those of the scan; an axis for each dimension of a point follows them. None: no axes."""
    names = tuple(signal.link for signal in signals)
    if axes is None:
        return Plot(name, names, (), tuple(members.items()))
    dimensions = {f"datadim{i}": Indices(n) for i, n in enumerate(signals[0].point_shape)}
    return Plot(name, names, (*axes, *dimensions), (*members.items(), *dimensions.items()))
