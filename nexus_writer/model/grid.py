"""How many points a scan is to have, and in which arrangement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from .fields import Fields
from .limits import MOST_DIMENSIONS, MOST_POINTS

BACK_AND_FORTH = "backnforth"


@dataclass(frozen=True, slots=True)
class Grid:
    """``shape`` has one dimension for a line, more for a mesh, the fast axis last; () for a scalar.

    ``npoints`` and any dimension are 0 when unknown. All subscans of a scan share them.
    """

    npoints: int = 0
    shape: tuple[int, ...] = (0,)

    @property
    def is_mesh(self) -> bool:
        return len(self.shape) > 1

    def saved_shape(self, *, keepshape: bool) -> tuple[int, ...]:
        """The shape of a dataset of scalars, flat unless the mesh keeps its shape; () for a scalar."""
        if not self.shape or (keepshape and self.is_mesh):
            return self.shape
        return (self.npoints,)


@dataclass(frozen=True, slots=True)
class ScanAxis:
    """Where a motor is to go: from ``start`` to ``stop``, relative to somewhere in some scans.

    ``points`` is the number of places along it, 0 when unknown.
    """

    start: float
    stop: float
    points: int = 0
    back_and_forth: bool = False


def read_grid(info: Fields) -> Grid:
    """From ``data_dim``, ``npoints`` and ``npoints1`` (the fast axis) ... ``npointsN``.

    A mesh that lacks one of its dimensions is a line, and so is one with more of them, or of points, than
    HDF5 can have.
    """
    npoints = max(0, info.integer("npoints"))
    ndim = info.integer("data_dim", 1)
    if ndim == 0:
        return Grid(npoints, ())
    if 1 < ndim <= MOST_DIMENSIONS:
        shape = tuple(max(0, info.integer(f"npoints{axis}")) for axis in range(ndim, 0, -1))
        if all(shape) and prod(shape) <= MOST_POINTS:
            return Grid(npoints, shape)
    return Grid(npoints, (npoints,))


def read_axes(info: Fields) -> Mapping[str, ScanAxis]:
    """By channel name, of the channels for which a start and a stop are published.

    They are published for plots, and with any content: what is no number is not told as a problem.
    """
    channels = Fields(info.mapping("channels"), [])
    axes = {}
    for name, values in channels.values.items():
        if not isinstance(values, Mapping) or not {"start", "stop"} <= values.keys():
            continue
        fields = channels.fields(name)
        start, stop = fields.number("start"), fields.number("stop")
        if start is not None and stop is not None:
            points = max(0, fields.integer("axis-points") or fields.integer("points"))
            axes[name] = ScanAxis(start, stop, points, fields.text("axis-kind") == BACK_AND_FORTH)
    return axes
