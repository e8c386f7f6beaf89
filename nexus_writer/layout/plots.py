"""The plots of an entry, while its scan runs and when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from nexus_writer.hdf5 import FileBroken
from nexus_writer.model import SELECTED, Block, GridOrder, PlotRequest, Scan, Subscan, plots_by_rank

from .default import show_by_default
from .grid_axis import GridAxis, Positions
from .names import UniqueNames
from .options import LayoutOptions
from .place import Place
from .places import Places
from .plot_channel import PlotChannel
from .plot_group import PlotGroup
from .plot_members import Places as AxisPlaces
from .plot_members import Plot
from .plot_plan import Arrangement, plots_of


class Plots:
    """NXdata groups in ``entry``, one or more for each plot that is asked for, and the default one.

    Nothing is made before a signal has data. ``stage``, then a flush of the file, then ``publish``, then
    another flush where it says so.
    """

    def __init__(
        self,
        entry: Any,
        entry_name: str,
        scan: Scan,
        axes: list[GridAxis],
        options: LayoutOptions,
        warn: Callable[[str], None],
    ) -> None:
        self._entry = entry
        self._entry_name = entry_name
        self._scan = scan
        self._axes = axes
        self._options = options
        self._warn = warn
        self._names: UniqueNames | None = None
        self._groups: dict[str, PlotGroup] = {}
        self._stale: list[PlotGroup] = []
        self._default = ""
        self._shown = ""
        self._state: object = None

    @property
    def shown(self) -> bool:
        """Whether the entry has a default plot."""
        return bool(self._shown)

    @property
    def wanted(self) -> bool:
        """Whether there may be any plot at all."""
        return bool(self._options.noconfig or self._scan.selection or self._scan.technique.plots)

    def prepare(self, scan: Scan) -> None:
        """The scan as it is when it is prepared. Its grid is that of the start, as its datasets are."""
        self._scan = replace(scan, grid=self._scan.grid)
        self._state = None

    def measure(self, place: Place, blocks: Sequence[Block]) -> None:
        """Take the positions of an axis of the grid."""
        if place.axis is not None and place.axis < len(self._axes):
            self._axes[place.axis].add(blocks)

    def stage(self, channels: Iterable[PlotChannel], *, ended: Scan | None = None) -> None:
        """Bring the plots up to date with the channels, which are in the order of their nodes and have data.

        ``ended`` is the scan at its end, None while it runs.
        """
        if ended is not None:
            self.prepare(ended)
        if not self.wanted:
            return
        channels = list(channels)
        arrangement = self._arrangement(running=ended is None)
        state = (arrangement, [_shape_of(channel, arrangement) for channel in channels])
        if arrangement.running and state == self._state:
            for group in self._groups.values():
                group.update(self._positions_of)
            return
        self._state = state
        plots = [
            (request, plot)
            for request in self._requests(channels)
            for plot in plots_of(request, channels, arrangement)
        ]
        self._default = self._draw(plots)

    def publish(self) -> bool:
        """Show what was staged before the last flush; whether there was anything."""
        stale, self._stale = self._stale, []
        try:
            for group in stale:
                group.remove()
            published = [group.publish() for group in self._groups.values()]
            is_new = self._default != self._shown and self._default in self._groups
            if is_new:
                show_by_default(self._entry, self._entry_name, self._default)
                self._shown = self._default
        except FileBroken:
            raise
        except Exception as error:
            self._warn(f"plots of {self._entry_name} are incomplete: {type(error).__name__}: {error}")
            return True
        return is_new or any(published) or bool(stale)

    def close(self) -> None:
        """Nothing changes any more."""
        for group in self._groups.values():
            group.close()

    def _requests(self, channels: Sequence[PlotChannel]) -> list[PlotRequest]:
        requests = []
        if self._scan.selection:
            requests.append(PlotRequest(SELECTED, self._scan.selection, grid=True))
        requests += self._scan.technique.plots
        if self._options.noconfig:
            requests += plots_by_rank(channel.rank for channel in channels)
        return requests

    def _arrangement(self, *, running: bool) -> Arrangement:
        grid = self._scan.grid
        order = None
        if grid.is_mesh:
            order = GridOrder(grid.shape, tuple(axis.back_and_forth for axis in reversed(self._axes)))
        elif grid.shape:
            order = GridOrder.forward(grid.shape)
        return Arrangement(order, grid.npoints, self._options.keepshape and grid.is_mesh, running)

    def _draw(self, plots: Sequence[tuple[PlotRequest, Plot]]) -> str:
        """Make the groups what they are to be; the name of the one to be shown first."""
        if self._names is None:
            self._names = UniqueNames({*self._entry, *_LATER_MEMBERS})
        named = {self._names.give(plot.name): (request, plot) for request, plot in plots}
        for name in [name for name in self._groups if name not in named]:
            self._stale.append(self._groups.pop(name))
        for name, (_, plot) in named.items():
            try:
                if name not in self._groups:
                    self._groups[name] = PlotGroup(self._entry, name)
                self._groups[name].show(plot, self._positions_of)
            except FileBroken:
                raise
            except Exception as error:
                self._groups.pop(name, None)
                self._warn(f"{self._entry_name} has no plot {name}: {type(error).__name__}: {error}")
        wanted = "" if self._scan.selection else self._scan.technique.default_plot
        drawn = [name for name in named if name in self._groups]
        preferred = [name for name in drawn if named[name][0].name == wanted]
        return next(iter(preferred + drawn), "")

    def _positions_of(self, places: AxisPlaces) -> Positions:
        axis = self._axes[places.index]
        axis.lengthen(places.length)
        return axis.positions()


_LATER_MEMBERS = ("measurement", "sample", "notes", "end_time", "end_reason")


def grid_axes(scan: Scan, subscan: Subscan, places: Places) -> list[GridAxis]:
    """The axes of a mesh, the fast one first; none for a line."""
    if not scan.grid.is_mesh:
        return []
    scanned = {places[channel.name].axis: channel.name for channel in subscan.channels}
    lengths = scan.grid.shape[::-1]
    return [
        GridAxis(
            length,
            prod(lengths[:index]),
            scan.axes.get(scanned.get(index, "")),
            slow=index == len(lengths) - 1,
        )
        for index, length in enumerate(lengths)
    ]


def _shape_of(channel: PlotChannel, arrangement: Arrangement) -> tuple[object, ...]:
    """What a plan depends on while the scan runs. Views of flat datasets grow by themselves up to what was
    announced; those of what is kept are made anew, at every flush, where 0 and "not measured" look alike."""
    counts = channel.kept or channel.points > arrangement.npoints
    return channel.name, channel.point_shape, channel.unit, channel.points if counts else 0
