"""Uncompressed datasets of large points, each of which lies in several chunks: points go to their places past
HDF5.

HDF5 would write by itself each run of bytes that lies in one piece in a chunk: 2048 of 512 bytes for a frame
of 1 MB. Here what belongs to a chunk of all points of a write is put together in memory, and written at once.
As in :mod:`.direct_chunks`, what lies behind the committed points is not trusted, so that a chunk may get its
points in any number of writes; places that are passed over are filled up then.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .live_file import LiveFile
from .storage import Storage

Points = npt.NDArray[Any]
"""(n,) + the shape of a point."""
_Column = tuple[int, ...]
"""The position of a chunk among those that hold the same points."""


@dataclass(slots=True)
class _Chunk:
    """Where it is in the file; the points before ``filled`` are written, or filled up."""

    address: int
    filled: int


@dataclass(slots=True)
class _Row:
    """The chunks that hold the same points, and how many of these came."""

    chunks: dict[_Column, _Chunk] = field(default_factory=dict)
    points: int = 0


class SplitChunks:
    """Writes the points of one dataset. A point is written once; it need not be in order.

    ``grid`` are the dimensions of the scan behind the first one, () for a line; a chunk has all of them.
    """

    def __init__(self, dataset: Any, storage: Storage, file: LiveFile, grid: tuple[int, ...]) -> None:
        self._dataset = dataset
        self._storage = storage
        self._file = file
        self._grid = grid
        self._inner = storage.chunk[1 + len(grid) :]
        self._points = storage.chunk[0] * prod(grid)
        self._point_nbytes = prod(self._inner) * storage.dtype.itemsize
        self._rows: dict[int, _Row] = {}
        """Those that are not full, by number."""
        self._end = 0
        """Of what a reader may see: the chunks that there are hold points, or fill values, up to there."""

    def write(self, start: int, values: Points) -> bool:
        """Points from ``start`` on, counted in C order, of the dataset's type; the dataset is long enough
        already. True: HDF5 need not. Raises FileBroken."""
        self.write_all(start, [values])
        return True

    def write_all(self, start: int, parts: Sequence[Points]) -> None:
        """Points from ``start`` on in several parts, all of the same shape of a point. Raises FileBroken."""
        if start > self._end:
            self._fill_up(start)
        self._end = max(self._end, start + sum(map(len, parts)))
        for number, first, some in self._by_row(start, parts):
            self._write_row(number, first, some)

    def _by_row(self, start: int, parts: Sequence[Points]) -> Iterator[tuple[int, int, list[Points]]]:
        """What comes into each row of chunks: its number, the first point in it, and the points."""
        number, first = divmod(start, self._points)
        some: list[Points] = []
        end = first
        for part in parts:
            while len(part):
                taken, part = part[: self._points - end], part[self._points - end :]
                some.append(taken)
                end += len(taken)
                if end == self._points:
                    yield number, first, some
                    number, first, end, some = number + 1, 0, 0, []
        if some:
            yield number, first, some

    def _write_row(self, number: int, first: int, parts: list[Points]) -> None:
        row = self._rows.setdefault(number, _Row())
        stop = first + sum(map(len, parts))
        lengths = parts[0].shape[1:]
        columns = set(
            itertools.product(*(range(-(-n // c)) for n, c in zip(lengths, self._inner, strict=True)))
        )
        for column in columns:
            chunk = row.chunks.get(column)
            if chunk is None:
                row.chunks[column] = self._new_chunk(number, column, first, parts)
                continue
            begin = min(first, chunk.filled)
            content = self._content(column, stop - begin, first - begin, parts)
            self._file.write_at(content, chunk.address + begin * self._point_nbytes)
            chunk.filled = max(chunk.filled, stop)
        self._fill(row, stop)
        row.points += stop - first
        if row.points == self._points:
            del self._rows[number]

    def _fill_up(self, stop: int) -> None:
        """The points from the end to ``stop`` did not come: they are seen from now on."""
        number, end = divmod(self._end, self._points)
        if number in self._rows:
            self._fill(self._rows[number], min(self._points, end + stop - self._end))

    def _fill(self, row: _Row, stop: int) -> None:
        """The points of a row before ``stop`` are there, or fill values."""
        for chunk in row.chunks.values():
            if chunk.filled < stop:
                content = self._storage.empty((stop - chunk.filled, *self._inner))
                self._file.write_at(content, chunk.address + chunk.filled * self._point_nbytes)
                chunk.filled = stop

    def _new_chunk(self, number: int, column: _Column, first: int, parts: list[Points]) -> _Chunk:
        """With the points from ``first`` on, filled up as far as it is seen: on a grid all of it is."""
        offset = (
            number * self._storage.chunk[0],
            *(0 for _ in self._grid),
            *(at * length for at, length in zip(column, self._inner, strict=True)),
        )
        seen = self._points if self._grid else min(self._points, self._end - number * self._points)
        content = self._content(column, seen, first, parts)
        if seen == self._points:
            return _Chunk(self._file.write_chunk(self._dataset, offset, content), seen)
        address = self._file.new_chunk(self._dataset, offset, self._storage.chunk_nbytes)
        self._file.write_at(content, address)
        return _Chunk(address, seen)

    def _content(self, column: _Column, count: int, first: int, parts: list[Points]) -> Points:
        """``count`` points of a chunk: ``parts`` from point ``first`` on, fill values elsewhere.

        Bytes are copied: points need not be aligned, and values that are not are copied one by one.
        """
        lengths = parts[0].shape[1:]
        lows = [at * length for at, length in zip(column, self._inner, strict=True)]
        size = tuple(map(min, self._inner, np.subtract(lengths, lows).tolist()))
        is_whole = first == 0 and size == self._inner and sum(map(len, parts)) == count
        shape = (count, *self._inner)
        content = np.empty(shape, self._storage.dtype) if is_whole else self._storage.empty(shape)
        item = self._storage.dtype.itemsize
        *rest, last = (slice(low, low + length) for low, length in zip(lows, size, strict=True))
        source = (slice(None), *rest, slice(last.start * item, last.stop * item))
        target = content.view(np.uint8)[(slice(None), *map(slice, (*size[:-1], size[-1] * item)))]
        for part in parts:
            target[first : first + len(part)] = np.ascontiguousarray(part).view(np.uint8)[source]
            first += len(part)
        return content
