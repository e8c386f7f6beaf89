"""Datasets of a scan that is not a line: a grid that is filled, and a single point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block, boxes

from ._guard import guarded
from ._library import h5py
from .chunking import ChunkOptions
from .errors import EntryExists
from .growing import GrowingDataset
from .items import file_name, path_of, place_of, set_attributes
from .live_file import LiveFile, live_file_of
from .reshaped import unlink
from .storage import converted, storage_for

UNFILLED = "unfilled"
"""The attribute of a grid that tells which places of it hold no measured point."""


class GridDataset(GrowingDataset):
    """The points of one channel on the grid of its scan: (slow, ..., fast) + point, filled in C order.

    It has the whole shape from the start, with fill values where nothing was measured (NaN, 0, False, ''),
    and every dimension is unlimited: points beyond the grid make the slow axis longer, by whole rows. What
    :class:`GrowingDataset` says of points holds. :meth:`finish` marks a grid with holes by the attribute
    :data:`UNFILLED`, (n, 2) ranges [start, stop) of points in C order: a 0 may be a measured one.

    Never compressed: a compressed chunk that is not full would be packed anew for every point.
    """

    def __init__(
        self,
        group: Any,
        name: str,
        dtype: npt.DTypeLike,
        point_shape: tuple[int, ...],
        *,
        scan_shape: tuple[int, ...],
        chunking: ChunkOptions | None = None,
        attributes: Mapping[str, str] | None = None,
        fill: bool = False,
    ) -> None:
        self._grid = scan_shape
        super().__init__(
            group,
            name,
            dtype,
            point_shape,
            scan_shape=(prod(scan_shape),),
            chunking=chunking,
            attributes=attributes,
            fill=fill,
        )

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
        """No more points will come. Raises FileBroken."""
        self.live_file.check()
        if self.unfilled:
            set_attributes(self._id, {UNFILLED: np.array(self.unfilled, dtype=np.int64)})

    @guarded
    def _create(
        self,
        group: Any,
        name: str,
        dtype: np.dtype[Any],
        point_shape: tuple[int, ...],
        scan_shape: tuple[int, ...],
        chunking: ChunkOptions,
        attributes: Mapping[str, str],
        fill: bool,
    ) -> None:
        parent, encoded = place_of(group.id, name)
        self.path = path_of(parent, encoded)
        if parent.links.exists(encoded):
            raise EntryExists(file_name(parent), self.path)
        plain = replace(chunking, compression_scheme="none")
        storage = storage_for(dtype, self._grid, point_shape, plain, fill)
        self._extent = storage.extent
        unlimited = (h5py.h5s.UNLIMITED,) * len(self.shape)
        self._storage = replace(storage, space=h5py.h5s.create_simple(self.shape, unlimited))
        self._id = self._storage.create(parent, encoded)
        self._tail = None
        set_attributes(self._id, attributes, fresh=True)

    def _write(self, start: int, values: npt.NDArray[Any]) -> None:
        """Points from ``start`` on; the grid gets the rows, and the points the lengths, that it takes."""
        shape = self.shape
        row = prod(self._grid[1:])
        rows = max(self._grid[0], -(-(start + len(values)) // row))
        self._grid = (rows, *self._grid[1:])
        self._extent = (0, *map(max, self._extent[1:], values.shape[1:]))
        if self.shape != shape:
            self._id.set_extent(self.shape)
        if not values.size:
            return
        point = values.shape[1:]
        done = 0
        for box in boxes(start, start + len(values), self._grid):
            size = tuple(n or 0 for n in box.count)
            self._write_box(box.start + (0,) * len(point), size + point, values[done : done + prod(size)])
            done += prod(size)

    def _write_box(self, start: tuple[int, ...], size: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        in_file = self._id.get_space()
        in_file.select_hyperslab(start, size)
        in_memory = h5py.h5s.create_simple(size)
        self._id.write(
            in_memory, in_file, np.ascontiguousarray(values.reshape(size)), self._storage.memory_type
        )


class PointDataset:
    """The one point of a channel in a scan that has no dimension: a dataset of the shape of that point.

    A second point, against all announcements, makes it a :class:`GrowingDataset` of both.
    """

    def __init__(
        self,
        group: Any,
        name: str,
        dtype: npt.DTypeLike,
        point_shape: tuple[int, ...],
        *,
        chunking: ChunkOptions | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        live_file = live_file_of(group)
        if live_file is None:
            raise ValueError("a dataset of a point is in a file of OpenFiles")
        self.live_file: LiveFile = live_file
        self._group = group
        self._name = name
        self._dtype = np.dtype(dtype)
        self._point_shape = point_shape
        self._chunking = chunking or ChunkOptions()
        self._attributes = dict(attributes or {})
        self._only: npt.NDArray[Any] | None = None
        self._several: GrowingDataset | None = None
        self._shape: tuple[int, ...] = tuple(max(n, 0) for n in point_shape)
        self._reserve()

    path: str
    """Where the dataset is, or will be, in its file."""

    @property
    def points(self) -> int:
        return int(self._only is not None) if self._several is None else self._several.points

    @property
    def gaps(self) -> list[tuple[int, int]]:
        return [] if self._several is None else self._several.gaps

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape if self._several is None else self._several.shape

    @property
    def point_shape(self) -> tuple[int, ...]:
        return self._shape if self._several is None else self._several.point_shape

    def append(self, blocks: Sequence[Block]) -> int:
        """As that of a :class:`GrowingDataset`."""
        if self._several is None:
            blocks = [block for block in blocks if len(block) and (block.stop > 1 or self._only is None)]
            if not blocks:
                return 0
            if len(blocks) == 1 and blocks[0].stop == 1:
                return self._write(blocks[0].values)
            self._several = self._flat()
        return self._several.append(blocks)

    def finish(self) -> None:
        """No more points will come."""
        if self._several is not None:
            self._several.finish()

    @guarded
    def _reserve(self) -> None:
        parent, encoded = place_of(self._group.id, self._name)
        self.path = path_of(parent, encoded)
        if parent.links.exists(encoded):
            raise EntryExists(file_name(parent), self.path)

    @guarded
    def _write(self, values: npt.NDArray[Any]) -> int:
        self.live_file.check()
        storage = storage_for(self._dtype, (1,), self._point_shape, self._chunking)
        point = converted(self.path, values, storage)[0:1].reshape(values.shape[1:])
        parent, encoded = place_of(self._group.id, self._name)
        space = h5py.h5s.create_simple(point.shape) if point.ndim else h5py.h5s.create(h5py.h5s.SCALAR)
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_obj_track_times(False)
        dataset = h5py.h5d.create(parent, encoded, storage.file_type, space, creation)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(point), storage.memory_type)
        set_attributes(dataset, self._attributes, fresh=True)
        self._only, self._shape = values, point.shape
        return sum(len(text.encode()) for text in point.ravel()) if storage.is_text else point.nbytes

    def _flat(self) -> GrowingDataset:
        """With the point that is there."""
        unlink(self._group, self._name)
        dataset = GrowingDataset(
            self._group,
            self._name,
            self._dtype,
            self._point_shape,
            scan_shape=(0,),
            chunking=self._chunking,
            attributes=self._attributes,
        )
        if self._only is not None:
            dataset.append([Block("", 0, self._only)])
        return dataset


def points_dataset(
    group: Any,
    name: str,
    dtype: npt.DTypeLike,
    point_shape: tuple[int, ...],
    *,
    scan_shape: tuple[int, ...],
    chunking: ChunkOptions | None = None,
    attributes: Mapping[str, str] | None = None,
    fill: bool = False,
) -> GrowingDataset | PointDataset:
    """The dataset of a channel in a scan of any shape: () for a single point, (n,) for a line, else a grid.

    Raises EntryExists.
    """
    if not scan_shape:
        return PointDataset(group, name, dtype, point_shape, chunking=chunking, attributes=attributes)
    kind = GrowingDataset if len(scan_shape) == 1 else GridDataset
    return kind(
        group,
        name,
        dtype,
        point_shape,
        scan_shape=scan_shape,
        chunking=chunking,
        attributes=attributes,
        fill=fill,
    )
