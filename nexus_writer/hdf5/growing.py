"""A dataset of a channel's points, that grows while it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block

from ._guard import guarded
from ._library import h5py
from .chunking import ChunkOptions
from .coverage import Coverage
from .direct_chunks import DirectChunks
from .errors import PointsRefused
from .items import member_place, path_of_member, refuse_taken, set_attributes
from .live_file import LiveFile, live_file_of
from .plain_tail import PlainTail, write_rows
from .point_digests import Digests, PointDigests
from .point_fitting import fitted, joined, nbytes_of, widened
from .point_reading import read_points
from .split_chunks import SplitChunks
from .storage import Storage, storage_for


class GrowingDataset:
    """The points of one channel, row by row in the order of their index.

    The dataset has the shape (points,) + point, every dimension unlimited, and starts as (0,) +
    ``point_shape`` with 0 for a length nobody knows (0 or negative). Smaller points are padded with the
    fill value (NaN, 0, False, ''), larger ones enlarge all. A point goes to the row of its index, once:
    reading a stream twice is harmless, and a point that never came leaves a row of fill values and stands
    in :attr:`gaps`.

    ``scan_shape`` is (expected number of points,), 0 when unknown; it and ``chunking`` decide on chunks and
    compression. ``dtype`` is the declared one; strings and objects become text. ``fill`` is that of a bool
    dataset, when it is to be true. One that is ``digested`` has :meth:`digests`. Raises EntryExists.
    """

    def __init__(
        self,
        group: Any,
        name: str,
        dtype: npt.DTypeLike,
        point_shape: tuple[int, ...],
        *,
        scan_shape: tuple[int, ...] = (0,),
        chunking: ChunkOptions | None = None,
        attributes: Mapping[str, str] | None = None,
        fill: bool = False,
        digested: bool = False,
    ) -> None:
        live_file = live_file_of(group)
        if live_file is None:
            raise ValueError("a growing dataset is in a file of OpenFiles")
        self.live_file = live_file
        self._coverage = Coverage()
        self._create(
            group,
            name,
            np.dtype(dtype),
            point_shape,
            scan_shape,
            chunking or ChunkOptions(),
            attributes or {},
            fill,
        )
        self._digests = PointDigests(self._storage) if digested else None

    path: str
    """Where the dataset is in its file: "/1.1/instrument/diode/data"."""
    live_file: LiveFile

    @property
    def points(self) -> int:
        """The number of rows: the index of the next point in order."""
        return self._coverage.points

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The ranges (start, stop) of points that did not come."""
        return list(self._coverage.gaps)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._extent

    @property
    def point_shape(self) -> tuple[int, ...]:
        """The shape of the largest points so far."""
        return self._extent[1:]

    @guarded
    def append(self, blocks: Sequence[Block]) -> int:
        """Write the points of ``blocks`` that are not there yet; the number of bytes of their values.

        Any order and any cut of the blocks ends in the same dataset. Consecutive points are one write. Their
        values must stay as they are until the next flush: threads may be compressing them.
        Raises PointsRefused when a block does not fit dtype or rank, after those before it were written;
        FileBroken when the file takes no more.
        """
        self.live_file.check()
        if len(blocks) == 1 and self._is_next(blocks[0]):
            values = blocks[0].values
            self._write_digested(self._coverage.points, values)
            self._coverage.add(blocks[0].start, blocks[0].stop)
            return values.nbytes
        coverage = self._coverage.copy()
        runs, refused = self._runs(blocks, coverage)
        nbytes = 0
        for start, parts in runs:
            nbytes += self._write_run(start, parts)
        self._coverage = coverage
        if refused is not None:
            raise refused
        return nbytes

    @guarded
    def finish(self) -> None:
        """No more points will come: what waits uncompressed in the file is compressed. Raises FileBroken."""
        self.live_file.check()
        if self._tail is not None:
            self._tail.finish(self.shape)

    @guarded
    def digests(self) -> Digests | None:
        """Of all points, after :meth:`finish`; what could not be digested as it was written is read once.

        None when that would be too much. Raises FileBroken.
        """
        assert self._digests is not None
        self.live_file.check()
        return self._digests.result(self._read, self.gaps)

    def _read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """The points [start, stop) as they are in the file; texts as bytes."""
        if self._tail is not None:
            places = prod(self.shape[1 : self._scan_rank])  # in a row of the dataset
            first = start // places
            rows = self._tail.read(first, -(-stop // places), self.shape)
            points = rows.reshape(len(rows) * places, *self.point_shape)
            return points[start - first * places : stop - first * places]
        return read_points(h5py.Dataset(self._id), self._scan_rank, start, stop, self._storage.dtype)

    _scan_rank = 1

    def _runs(
        self, blocks: Sequence[Block], coverage: Coverage
    ) -> tuple[list[tuple[int, list[npt.NDArray[Any]]]], PointsRefused | None]:
        """What is new in ``blocks``, by runs of consecutive points, up to a block that does not fit."""
        runs: list[tuple[int, list[npt.NDArray[Any]]]] = []
        end = -1
        widest = self._extent[1:]
        for block in blocks:
            for start, stop in coverage.missing(block.start, block.stop):
                values = block.values[start - block.start : stop - block.start]
                try:
                    values = fitted(self.path, values, self._storage)
                    widest = widened(self.path, widest, values, self._storage)
                except PointsRefused as error:
                    return runs, error
                if start == end:
                    runs[-1][1].append(values)
                else:
                    runs.append((start, [values]))
                end = stop
                coverage.add(start, stop)
        return runs, None

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
        parent, encoded = member_place(group, name)
        self.path = path_of_member(group, name)
        self._storage = self._storage_for(dtype, scan_shape, point_shape, chunking, fill)
        try:
            self._id = self._storage.create(parent, encoded)
        except Exception:
            refuse_taken(parent, encoded)
            raise
        self._extent = self._storage.extent
        self._tail = None
        self._chunks = self._direct_chunks(scan_shape[1:])
        if self._storage.filters:
            self._tail = PlainTail(self._id, self._storage, self.live_file, scan_shape[1:])
        set_attributes(self._id, attributes, fresh=True)

    def _direct_chunks(self, grid: tuple[int, ...]) -> DirectChunks | SplitChunks:
        storage = self._storage
        point = storage.chunk[1 + len(grid) :]
        whole = point == storage.extent[1:]
        plain = not storage.is_text and not storage.filters and storage.chunk[1 : 1 + len(grid)] == grid
        kind = SplitChunks if plain and not whole else DirectChunks
        return kind(self._id, storage, self.live_file, grid)

    def _storage_for(
        self,
        dtype: np.dtype[Any],
        scan_shape: tuple[int, ...],
        point_shape: tuple[int, ...],
        chunking: ChunkOptions,
        fill: bool,
    ) -> Storage:
        if len(scan_shape) != 1:
            raise ValueError("a growing dataset is flat: its scan shape has one dimension")
        return storage_for(dtype, scan_shape, point_shape, chunking, fill)

    def _is_next(self, block: Block) -> bool:
        """Points right behind those that are there, which need no look at what lacks, no conversion and no
        more room: nearly all are."""
        values = block.values
        return (
            block.start == self._coverage.points
            and values.dtype == self._storage.dtype
            and values.shape[1:] == self._extent[1:]
            and not self._storage.is_text
            and values.flags.c_contiguous
        )

    def _write_run(self, start: int, parts: list[npt.NDArray[Any]]) -> int:
        """Consecutive points, in as few writes as there may be; the number of bytes of their values."""
        if isinstance(self._chunks, SplitChunks) and len({part.shape[1:] for part in parts}) == 1:
            self._extend(start + sum(map(len, parts)), parts[0].shape[1:])
            self._chunks.write_all(start, parts)
            write = self._digest
        else:
            parts = joined(parts, self._storage)
            write = self._write_digested
        for values in parts:
            write(start, values)
            start += len(values)
        return sum(map(nbytes_of, parts))

    def _write_digested(self, start: int, values: npt.NDArray[Any]) -> None:
        self._write(start, values)
        self._digest(start, values)

    def _digest(self, start: int, values: npt.NDArray[Any]) -> None:
        if self._digests is not None:
            self._digests.add(start, values, self._extent[1:])

    def _extend(self, stop: int, point: tuple[int, ...]) -> None:
        """Room for the points before ``stop``, and for points of that shape."""
        extent = (max(self._extent[0], stop), *map(max, self._extent[1:], point))
        if extent != self._extent:
            self._id.set_extent(extent)
            self._extent = extent

    def _write(self, start: int, values: npt.NDArray[Any]) -> None:
        """Rows from ``start`` on, the dataset enlarged as needed: one extend, one write."""
        self._extend(start + len(values), values.shape[1:])
        if self._tail is not None:
            if values.size:
                self._tail.write(start, values, self._extent)
            else:
                self._tail.fill_up(start + len(values))
        elif not values.size and not isinstance(self._chunks, SplitChunks):
            return
        elif not self._chunks.write(start, values):
            write_rows(self._id, start, values, self._storage)
