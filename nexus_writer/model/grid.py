"""How many points a scan is to have, and in which arrangement."""

from __future__ import annotations

from dataclasses import dataclass

from .fields import Fields

MAX_NDIM = 32


@dataclass(frozen=True, slots=True)
class Grid:
    """``shape`` has one dimension for a line, more for a mesh, the fast axis last; () for a scalar.

    ``npoints`` and any dimension are 0 when unknown. All subscans of a scan share them.
    """

    npoints: int = 0
    shape: tuple[int, ...] = (0,)


def read_grid(info: Fields) -> Grid:
    """From ``data_dim``, ``npoints`` and ``npoints1`` (the fast axis) ... ``npointsN``.

    A mesh that lacks one of its dimensions is a line, and so is one with more than HDF5 can have.
    """
    npoints = max(0, info.integer("npoints"))
    ndim = info.integer("data_dim", 1)
    if ndim == 0:
        return Grid(npoints, ())
    if 1 < ndim <= MAX_NDIM:
        shape = tuple(max(0, info.integer(f"npoints{axis}")) for axis in range(ndim, 0, -1))
        if all(shape):
            return Grid(npoints, shape)
    return Grid(npoints, (npoints,))
