"""Which plots a scan has, and of what. Pure: channels in, plans out.

While the scan runs, channels are not equally long: a motor is a point ahead while a detector still counts. So
a running plot shows all of them in the shape that they will have, with NaN where nothing was measured yet;
when the scan has ended, those of a line are the channels themselves.

Two habits of tools decide on the rest. nexusformat takes a virtual dataset for one with a source for each
element of its first dimension, and calls the shape of any other one wrong: so the finished ones have that.
And it allows as many ``axes`` as the signal has dimensions, whereas silx wants all of them to draw a scatter:
so those of a scatter stand at its signal, in the older way of NeXus, which silx reads too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from nexus_writer.model import GridOrder, PlotRequest

from .interpretation import interpretation
from .plot_channel import PlotChannel
from .plot_members import Copy, Indices, Link, Member, Places, Plot, View

NO_AXIS = "."
"""NeXus' name for a dimension without axis."""

RUNNING_SIGNALS = 32
"""A running plot has not more signals: nobody looks at a thousand curves, and each costs 0.1 ms."""

MAX_PIECES = 20_000
"""A grid that takes more pieces (about 30 us each) is shown point by point; one of more rows, with all its
signals, not row by row."""

MAX_FRAMES = 4096
"""More frames of a camera are not shown one by one."""

UNKNOWN_LENGTH = 512

SOME_AHEAD = 16
"""Points by which a motor and a detector may differ in any scan."""


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
    placeless = arrangement.is_mesh and signals[0].rank > 0
    if signals[0].rank:
        axes = () if placeless else axes[:1]
    if not arrangement.running:
        axes = [axis for axis in axes if _keeps_pace(axis, signals[0])]
    names = [axis.link for axis in axes]
    if arrangement.running:
        order = GridOrder.forward((_line_length(arrangement, [*signals, *axes]),))
        members: dict[str, Member] = {c.link: _growing(c, order) for c in [*signals, *axes]}
    else:
        members = {signal.link: _as_it_is(signal) for signal in signals}
        members |= {axis.link: _as_long_as(signals[0].points, axis) for axis in axes}
    return _plot(name, signals, None if placeless else names, _with_places(members, signals[0], names))


def _grid(
    name: str, signals: Sequence[PlotChannel], axes: Sequence[PlotChannel], arrangement: Arrangement
) -> Plot:
    """Signals on the grid, the slow axis first."""
    assert arrangement.order is not None
    points = max(channel.points for channel in (*signals, *axes))
    order = arrangement.order.with_rows_for(points)
    members: dict[str, Member] = {}
    by_row = not arrangement.running and order.shape[0] * len(signals) <= MAX_PIECES
    for signal in signals:
        members[signal.link] = _on_grid(signal, order, arrangement, by_row)
    scanned: dict[int, PlotChannel] = {axis.axis: axis for axis in axes if axis.axis is not None}
    names = []
    for index, length in enumerate(reversed(order.shape)):
        axis = scanned.get(index)
        names.append(NO_AXIS if axis is None else axis.link)
        if axis is not None:
            members[axis.link] = Places(index, length, axis.unit)
    return _plot(name, signals, names[::-1], members, on_grid=True)


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
    return _plot(name, signals, names, _with_places(members, signals[0], names or []))


def _on_grid(signal: PlotChannel, order: GridOrder, arrangement: Arrangement, by_row: bool) -> Member:
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
        by_row=by_row,
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


def _as_it_is(signal: PlotChannel) -> Member:
    if not signal.virtual or signal.points > MAX_FRAMES:
        return Link(signal.path)
    order = GridOrder.forward((signal.points,))
    attributes = _attributes(signal, 1)
    return View(
        signal.path,
        order,
        signal.point_shape,
        signal.dtype,
        ((0, signal.points),),
        by_row=True,
        attributes=attributes,
    )


def _keeps_pace(axis: PlotChannel, signal: PlotChannel) -> bool:
    """Whether a point of the axis is where the point of the signal with its number was measured.

    In a scan that was stopped one of them is some points ahead; one with half the points of the other was
    measured at a rate of its own, and number for number they have nothing in common.
    """
    fewer, more = sorted((axis.points, signal.points))
    return more <= 2 * fewer + SOME_AHEAD


def _as_long_as(points: int, axis: PlotChannel) -> Member:
    """An axis with a value for each point of the signals: a motor that went ahead is cut, NaN follows one
    that stayed behind."""
    if axis.points == points or axis.gaps or axis.rank or axis.dtype.kind not in "iuf":
        return Link(axis.path)
    return Copy(axis.path, points, axis.unit)


def _with_places(
    members: Mapping[str, Member], signal: PlotChannel, axes: Sequence[str]
) -> Mapping[str, Member]:
    """Tell the axes of a scatter at its signal."""
    member, names = members[signal.link], ":".join(axes)
    if not _scatters(signal, axes):
        return members
    if isinstance(member, View):
        told: Member = replace(member, attributes=(*member.attributes, ("axes", names)))
    else:
        told = Link(signal.path, names)
    return {**members, signal.link: told}


def _scatters(signal: PlotChannel, axes: Sequence[str]) -> bool:
    return len(axes) > 1 and not signal.rank


def _line_length(arrangement: Arrangement, channels: Sequence[PlotChannel]) -> int:
    """As announced; where more points come, or nothing is announced, doubled as often as it takes."""
    length = arrangement.npoints or UNKNOWN_LENGTH
    points = max(channel.points for channel in channels)
    while length < points:
        length *= 2
    return length


def _plot(
    name: str,
    signals: Sequence[PlotChannel],
    axes: Sequence[str] | None,
    members: Mapping[str, Member],
    *,
    on_grid: bool = False,
) -> Plot:
    """``axes`` are those of the scan; an axis for each dimension of a point follows them. None: no axes."""
    names = tuple(signal.link for signal in signals)
    if axes is None:
        return Plot(name, names, (), tuple(members.items()))
    dimensions = {f"datadim{i}": Indices(n) for i, n in enumerate(signals[0].point_shape)}
    scattered = not on_grid and _scatters(signals[0], axes)
    return Plot(name, names, (*axes, *dimensions), (*members.items(), *dimensions.items()), scattered)
