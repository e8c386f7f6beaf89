"""The dataset of a channel in a scan of any shape: of a single point, along a line, on a grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block

from ._guard import guarded
from ._library import h5py
from .chunking import ChunkOptions
from .errors import EntryExists
from .grid_dataset import GridDataset
from .growing import GrowingDataset
from .items import file_name, path_of, place_of, set_attributes
from .live_file import LiveFile, live_file_of
from .point_digests import Digests, PointDigests
from .point_fitting import nbytes_of
from .reshaped import unlink
from .storage import converted, storage_for


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
        digested: bool = False,
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
        self._digested = digested
        self._digests: PointDigests | None = None
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

    def digests(self) -> Digests | None:
        """As those of a :class:`GrowingDataset`; None without a point."""
        if self._several is not None:
            return self._several.digests()
        return None if self._digests is None else self._digests.result()

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
        if self._digested:
            self._digests = PointDigests(storage)
            self._digests.add(0, point.reshape(1, *point.shape), point.shape)
        return nbytes_of(point)

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
            digested=self._digested,
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
    digested: bool = False,
) -> GrowingDataset | PointDataset:
    """The dataset of a channel in a scan of any shape: () for a single point, (n,) for a line, else a grid.

    Raises EntryExists.
    """
    if not scan_shape:
        return PointDataset(
            group, name, dtype, point_shape, chunking=chunking, attributes=attributes, digested=digested
        )
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
        digested=digested,
    )
