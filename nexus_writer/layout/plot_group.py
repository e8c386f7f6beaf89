"""A plot in its file: an NXdata."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from nexus_writer.hdf5 import (
    NewGroup,
    ReplacedGroup,
    create_reshaped,
    has_link,
    require_group,
    set_attributes,
    soft_link,
    unlink,
    write_value,
)

from .grid_axis import Positions
from .plot_members import Copy, Indices, Link, Places, Plot, View

PARTS = "parts"
"""Group in a plot for the views of which its signals show row after row."""

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
        self._group.stage(
            NewGroup("NXdata", partial(_draw, path=self._group.path, plot=plot, positions=positions)), {}
        )
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


def _draw(group: Any, path: str, plot: Plot, positions: dict[str, Positions]) -> None:
    """Fill ``group``, which is going to be found at ``path``."""
    for name, member in plot.members:
        match member:
            case Link():
                soft_link(group, name, member.path)
                if member.axes:
                    set_attributes(group.file[member.path], {"axes": member.axes})
            case View():
                _create_view(group, path, name, member)
            case Copy():
                write_value(group, name, _copied(group, member), {"units": member.unit})
            case Indices():
                write_value(group, name, np.arange(member.length, dtype=np.int64))
            case Places():
                write_value(group, name, positions[name], {"units": member.unit})
    signal, *others = plot.signals
    attributes: dict[str, Any] = {"signal": signal}
    if others:
        attributes["auxiliary_signals"] = others
    if plot.axes and not plot.scattered:
        attributes["axes"] = list(plot.axes)
    set_attributes(group, attributes)


def _copied(group: Any, copy: Copy) -> Positions:
    """Only of a dataset that is finished."""
    values = np.full(copy.points, np.nan)
    found = group.file[copy.path][: copy.points]
    values[: len(found)] = found
    return values


def _create_view(group: Any, path: str, name: str, view: View) -> None:
    source = view.path
    order = view.order
    shape = order.shape
    if view.ranges is None:
        pieces = order.growing()
    elif view.line is not None:
        pieces = (piece.swapped() for piece in order.filled(view.ranges))
        shape = (view.line,)
    elif not view.by_row:
        pieces = order.filled(view.ranges, kept=view.kept)
    elif not order.turns and view.ranges == ((0, prod(shape)),):
        pieces = order.rows(kept=view.kept)
    else:
        source = _create_parts(group, path, name, view)
        pieces = order.rows(kept=True)
    create_reshaped(
        group,
        name,
        source,
        pieces,
        shape=shape,
        point_shape=view.point_shape,
        dtype=view.dtype,
        grows=view.ranges is None,
        attributes=dict(view.attributes),
    )


def _create_parts(group: Any, path: str, name: str, view: View) -> str:
    """The view in as few pieces as possible, beside the plot: the path of it."""
    parts = require_group(group, PARTS)
    assert view.ranges is not None
    create_reshaped(
        parts,
        name,
        view.path,
        view.order.filled(view.ranges, kept=view.kept),
        shape=view.order.shape,
        point_shape=view.point_shape,
        dtype=view.dtype,
    )
    return f"{path}/{PARTS}/{name}"
