"""A plot in its file: an NXdata."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nexus_writer.hdf5 import (
    NewGroup,
    ReplacedGroup,
    create_reshaped,
    has_link,
    set_attributes,
    soft_link,
    unlink,
    write_value,
)
from nexus_writer.model import GridOrder

from .grid_axis import Positions
from .plot_plan import Indices, Link, Places, Plot, View

PositionsOf = Callable[[Places], Positions]
"""The positions along an axis of the grid, as they are known now."""


class PlotGroup:
    """The NXdata of a plot whose plan may change; what changes often, the positions along the axes of a
    grid, is written in place."""

    def __init__(self, entry: Any, name: str) -> None:
        self._entry = entry
        self._name = name
        if has_link(entry, name):  # to what was the default plot until now
            unlink(entry, name)
        self._group = ReplacedGroup(entry, name)
        self._plot: Plot | None = None
        self._visible = False
        self._positions: dict[str, Positions] = {}

    def show(self, plot: Plot, positions_of: PositionsOf) -> None:
        """Bring the group up to date; a new version of it gets its name by ``publish``, after a flush."""
        if plot == self._plot:
            self.update(positions_of)
            return
        positions = _positions(plot, positions_of)
        self._group.stage(NewGroup("NXdata", partial(_draw, plot=plot, positions=positions)), {})
        self._plot, self._positions, self._visible = plot, positions, False

    def update(self, positions_of: PositionsOf) -> None:
        """Write the positions along the axes as they are known now."""
        if self._plot is None or not self._visible:
            return
        for name, values in _positions(self._plot, positions_of).items():
            if not np.array_equal(values, self._positions[name]):
                write_value(self._entry[self._name], name, values)
                self._positions[name] = values

    def publish(self) -> bool:
        """Whether there was a new version."""
        published = self._group.publish()
        self._visible = self._visible or published
        return published

    def remove(self) -> None:
        self._group.remove()

    def close(self) -> None:
        self._group.close()


def _positions(plot: Plot, positions_of: PositionsOf) -> dict[str, Positions]:
    return {name: positions_of(member) for name, member in plot.members if isinstance(member, Places)}


def _draw(group: Any, plot: Plot, positions: dict[str, Positions]) -> None:
    for name, member in plot.members:
        match member:
            case Link():
                soft_link(group, name, member.path)
            case View():
                _create_view(group, name, member)
            case Indices():
                write_value(group, name, np.arange(member.length, dtype=np.int64))
            case Places():
                write_value(group, name, positions[name], {"units": member.unit} if member.unit else None)
    signal, *others = plot.signals
    attributes: dict[str, Any] = {"signal": signal}
    if others:
        attributes["auxiliary_signals"] = others
    if plot.axes:
        attributes["axes"] = list(plot.axes)
    set_attributes(group, attributes)


def _create_view(group: Any, name: str, view: View) -> None:
    order: GridOrder = view.order
    shape = order.shape
    if view.ranges is None:
        pieces = order.growing()
    elif view.line is not None:
        pieces = (piece.swapped() for piece in order.filled(view.ranges))
        shape = (view.line,)
    else:
        pieces = order.filled(view.ranges, kept=view.kept)
    create_reshaped(
        group,
        name,
        view.path,
        pieces,
        shape=shape,
        point_shape=view.point_shape,
        dtype=view.dtype,
        grows=view.ranges is None,
        attributes=dict(view.attributes),
    )
