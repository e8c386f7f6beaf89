"""The points of a channel on the grid of its scan."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import boxes

from ._guard import guarded
from ._library import h5py
from .chunk_jobs import write_box
from .chunking import ChunkOptions
from .growing import GrowingDataset
from .items import set_attributes
from .storage import Storage, storage_for

UNFILLED = "unfilled"
"""The attribute of a grid that tells which places of it hold no measured point."""


class GridDataset(GrowingDataset):
    """The points of one channel on the grid of its scan: (slow, ..., fast) + point, filled in C order.

    It has the whole shape from the start, with fill values where nothing was measured (NaN, 0, False, ''),
    and every dimension is unlimited: points beyond the grid make the slow axis longer, by whole rows. What
    :class:`GrowingDataset` says of points holds. :meth:`finish` marks a grid with holes by the attribute
    :data:`UNFILLED`, (n, 2) ranges [start, stop) of points in C order: a 0 may be a measured one.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        return self._grid + self._extent[1:]

    @property
    def unfilled(self) -> list[tuple[int, int]]:
        """The ranges [start, stop) of places, in C order, that hold no measured point."""
        size = prod(self._grid)
        tail = [(self.points, size)] if self.points < size else []
        return self.gaps + tail

    @guarded
    def finish(self) -> None:
        """No more points will come: as for a :class:`GrowingDataset`. Raises FileBroken."""
        super().finish()
        if self.unfilled:
            set_attributes(self._id, {UNFILLED: np.array(self.unfilled, dtype=np.int64)})

    @property
    def _scan_rank(self) -> int:  # type: ignore[override]
        return len(self._grid)

    def _storage_for(
        self,
        dtype: np.dtype[Any],
        scan_shape: tuple[int, ...],
        point_shape: tuple[int, ...],
        chunking: ChunkOptions,
        fill: bool,
    ) -> Storage:
        self._grid = scan_shape
        storage = storage_for(dtype, scan_shape, point_shape, chunking, fill)
        shape = scan_shape + storage.extent[1:]
        return replace(storage, space=h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED,) * len(shape)))

    def _extend(self, stop: int, point: tuple[int, ...]) -> None:
        """The grid gets the rows, and the points the lengths, that are needed."""
        shape = self.shape
        rows = max(self._grid[0], -(-stop // prod(self._grid[1:])))
        self._grid = (rows, *self._grid[1:])
        self._extent = (0, *map(max, self._extent[1:], point))
        if self.shape != shape:
            self._id.set_extent(self.shape)

    def _write(self, start: int, values: npt.NDArray[Any]) -> None:
        """Points from ``start`` on."""
        self._extend(start + len(values), values.shape[1:])
        if not values.size or self._chunks.write(start, values):
            return
        point = values.shape[1:]
        done = 0
        for box in boxes(start, start + len(values), self._grid):
            size = tuple(n or 0 for n in box.count)
            part = values[done : done + prod(size)].reshape(size + point)
            if self._tail is None:
                write_box(self._id, box.start + (0,) * len(point), part, self._storage)
            else:
                self._tail.write_part(box.start, part, self.shape)
            done += prod(size)
