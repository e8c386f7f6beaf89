"""Compressed datasets while they grow: chunks that are not full yet wait in the file, uncompressed.

HDF5 itself would keep a partial chunk in memory and compress all of it at every flush (4 ms each time for
1 MiB), or at every append. Here

* a partial chunk is stored as it is, with a filter mask that says so (any reader understands it), and new
  points are written at their place in it: no memory, no move, as cheap as an uncompressed dataset. On a line
  what lies behind them is not written until it is seen;
* a full chunk is compressed once, in another thread (:mod:`.chunk_jobs`), to another place; the old one stays
  untouched until the next flush (:mod:`.places`). HDF5 frees a chunk's place before it looks for the new one,
  so chunks are cut off first, their places occupied, and the chunks written anew. On a grid a row of chunks
  is full when all of its places have points.

The handle that wrote such a chunk must not read it through HDF5 2.0, which forgets its filter mask.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from .chunk_jobs import Values, write_box
from .encoding import Step, filters_of, steps_of
from .live_file import LiveFile
from .storage import Storage

LEAST_NBYTES = 2**14


@dataclass(slots=True)
class _PlainChunk:
    """Where it is in the file; its rows before ``filled`` hold points, or fill values."""

    address: int
    filled: int


@dataclass(slots=True)
class _PlainRow:
    """A row of chunks, by their position within the row, and its points.

    Those of a grid are counted one by one: a row of a line has as many as it is long.
    """

    chunks: dict[tuple[int, ...], _PlainChunk] = field(default_factory=dict)
    points: int = 0


class PlainTail:
    """Writes the points of one compressed dataset. A point is written once; it need not be in order.

    ``grid`` are the dimensions of the scan behind the first one: () for a line.
    """

    def __init__(self, dataset: Any, storage: Storage, file: LiveFile, grid: tuple[int, ...] = ()) -> None:
        self._dataset = dataset
        self._grid = grid
        self._storage = storage
        self._file = file
        self._length, *inner = storage.chunk
        self._inner = tuple(inner)
        self._rows: dict[int, _PlainRow] = {}
        self._last = -1
        self._end = 0
        """Of the rows that a reader may see: chunks of a line hold points, or fill values, up to there."""

    def write(self, start: int, values: npt.NDArray[Any], extent: tuple[int, ...]) -> None:
        """Points from ``start`` on; the dataset has the ``extent`` already. Raises FileBroken."""
        stop = start + len(values)
        self.fill_up(start)
        self._end = max(self._end, stop)
        head = min(stop, -(-start // self._length) * self._length)
        tail = max(head, stop // self._length * self._length)
        if start < head:
            self._write_plain(start, self._nowhere, values[: head - start])
            self._compress_if_full(start // self._length, extent)
        if head < tail:
            self._write_full(head, values[head - start : tail - start])
            self._last = max(self._last, tail // self._length - 1)
        if tail < stop:
            self._write_plain(tail, self._nowhere, values[tail - start :])

    def fill_up(self, stop: int) -> None:
        """The rows before ``stop`` that did not come are seen from now on. Raises FileBroken."""
        if stop > self._end:
            number = self._end // self._length
            self._end = stop
            self._fill(number)

    def write_part(self, start: tuple[int, ...], values: npt.NDArray[Any], extent: tuple[int, ...]) -> None:
        """Points of a grid, a box of them from the place ``start`` on. Raises FileBroken."""
        if values.shape[1 : len(start)] == self._grid:
            self.write(start[0], values, extent)
            return
        for row, part in enumerate(values, start[0]):
            self._write_plain(row, start[1:], part[np.newaxis])
            self._compress_if_full(row // self._length, extent)

    @property
    def _nowhere(self) -> tuple[int, ...]:
        """The first place of a whole row."""
        return (0,) * len(self._grid)

    def finish(self, extent: tuple[int, ...]) -> None:
        """No more points will come: compress the last row of chunks too, into places that others left."""
        if self._last in self._rows:
            self._compress(self._last, extent, into_old_places=True)

    def read(self, start: int, stop: int, extent: tuple[int, ...]) -> npt.NDArray[Any]:
        """The rows [start, stop) of the dataset, those that wait uncompressed too. Raises FileBroken."""
        self._file.jobs.settle()
        values = self._storage.empty((stop - start, *extent[1:]))
        done = start
        while done < stop:
            number, offset = divmod(done, self._length)
            row = self._rows.get(number)
            if row is None:
                ends = [one * self._length for one in self._rows if one > number]
                upto = min([stop, *ends])
                part = h5py.Dataset(self._dataset)[done:upto]
            else:
                upto = min(stop, (number + 1) * self._length)
                part = self._read_plain(row, offset + upto - done, extent[1:])[offset:]
            values[done - start : upto - start] = part
            done = upto
        return values

    def _write_plain(self, start: int, place: tuple[int, ...], values: npt.NDArray[Any]) -> None:
        """Points within one row of chunks that does not get full by them alone: from row ``start`` on, each
        row from ``place`` on."""
        number, offset = divmod(start, self._length)
        row = self._rows.setdefault(number, _PlainRow())
        self._last = max(self._last, number)
        item = self._storage.dtype.itemsize
        for column, within, part in self._columns(place, values):
            chunk = row.chunks.get(column)
            if chunk is None:
                chunk = row.chunks[column] = self._new_chunk(number, column)
            self._fill_chunk(chunk, offset)
            for corner, run in _runs(part, self._storage.chunk):
                first = np.ravel_multi_index(tuple(np.add((offset, *within), corner)), self._storage.chunk)
                self._file.write_at(run, chunk.address + int(first) * item)
            chunk.filled = max(chunk.filled, offset + len(values))
        self._fill(number)
        row.points += prod(values.shape[: 1 + len(self._grid)])

    def _fill(self, number: int) -> None:
        """A row of chunks, as far as it is seen."""
        if (row := self._rows.get(number)) is not None:
            for chunk in row.chunks.values():
                self._fill_chunk(chunk, min(self._length, self._end - number * self._length))

    def _fill_chunk(self, chunk: _PlainChunk, stop: int) -> None:
        if chunk.filled < stop:
            rows = self._storage.empty((stop - chunk.filled, *self._inner))
            self._file.write_at(rows, chunk.address + chunk.filled * rows[0].nbytes)
            chunk.filled = stop

    def _columns(
        self, place: tuple[int, ...], values: npt.NDArray[Any]
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], npt.NDArray[Any]]]:
        """``values`` cut into the chunks of a row: which one, where in it, and what, each point filled up to
        the chunk's lengths."""
        first = place + (0,) * (values.ndim - 1 - len(place))
        ends = [start + n for start, n in zip(first, values.shape[1:], strict=True)]
        ranges = [
            range(start // c, -(-stop // c)) for start, stop, c in zip(first, ends, self._inner, strict=True)
        ]
        for column in itertools.product(*ranges):
            chunk = [(i * c, (i + 1) * c) for i, c in zip(column, self._inner, strict=True)]
            lows = [max(low, start) for (low, _), start in zip(chunk, first, strict=True)]
            cut = tuple(
                slice(low - start, high - start)
                for low, (_, high), start in zip(lows, chunk, first, strict=True)
            )
            part = values[(slice(None), *cut)]
            full = part.shape[: 1 + len(place)] + self._inner[len(place) :]
            if part.shape != full:
                padded = self._storage.empty(full)
                padded[tuple(map(slice, part.shape))] = part
                part = padded
            within = tuple(low - start for low, (start, _) in zip(lows, chunk, strict=True))
            yield column, within, np.ascontiguousarray(part)

    def _new_chunk(self, number: int, column: tuple[int, ...]) -> _PlainChunk:
        """Of a grid all rows are seen at once: with fill values."""
        offset, nbytes = self._corner(number, column), self._storage.chunk_nbytes
        no_filters = self._storage.all_filters_skipped
        self._file.places.give_back(nbytes, 1)
        if self._grid:
            empty = self._storage.empty(self._storage.chunk)
            return _PlainChunk(self._file.write_chunk(self._dataset, offset, empty, no_filters), self._length)
        return _PlainChunk(self._file.new_chunk(self._dataset, offset, nbytes, no_filters), 0)

    def _compress_if_full(self, number: int, extent: tuple[int, ...]) -> None:
        """A row that lacks points stays plain, so that they can come late."""
        if number == self._last and self._rows[number].points == self._length * prod(self._grid):
            self._compress(number, extent)

    def _compress(self, number: int, extent: tuple[int, ...], *, into_old_places: bool = False) -> None:
        """Write the last row of chunks of the dataset anew, through the filters and to another place."""
        row = self._rows.pop(number)
        start = number * self._length
        places, nbytes = self._file.places, self._storage.chunk_nbytes
        addresses = [chunk.address for chunk in row.chunks.values()]
        stored = [self._file.read_later(nbytes, address) for address in addresses]
        places.keep_from_end(self._dataset, nbytes)
        self._dataset.set_extent((start, *extent[1:]))
        occupied = places.occupy(self._dataset, addresses, nbytes)
        if into_old_places:
            places.give_back(nbytes, len(addresses))
        self._dataset.set_extent(extent)
        for column, read in zip(row.chunks, stored, strict=True):
            corner = self._corner(number, column)
            inside = tuple(map(slice, np.subtract(extent, corner)))
            self._write_chunk(corner, partial(_values_stored, read, self._storage, inside))
        if not occupied:
            self._file.flush()

    def _write_full(self, start: int, values: npt.NDArray[Any]) -> None:
        """Whole rows of chunks, each of which has all of its points."""
        if self._steps is None:
            write_rows(self._dataset, start, values, self._storage)
            return
        chunk = self._storage.chunk
        for first in itertools.product(*map(range, (0,) * values.ndim, values.shape, chunk)):
            part = values[tuple(slice(i, i + n) for i, n in zip(first, chunk, strict=True))]
            self._write_chunk((start + first[0], *first[1:]), partial(np.asarray, part))

    def _write_chunk(self, corner: tuple[int, ...], values: Values) -> None:
        """One chunk, from the element ``corner`` on, through the filters."""
        if self._steps is None:
            write_box(self._dataset, corner, values(), self._storage)
        else:
            self._file.jobs.write(self._dataset, self._storage, self._steps, corner, values)

    @cached_property
    def _steps(self) -> tuple[Step, ...] | None:
        """Where HDF5 need not do it: chunks so small take longer on the way to another thread."""
        if self._storage.is_text or self._storage.chunk_nbytes < LEAST_NBYTES:
            return None
        return steps_of(filters_of(self._dataset))

    def _corner(self, number: int, column: tuple[int, ...]) -> tuple[int, ...]:
        return (number * self._length, *(i * c for i, c in zip(column, self._inner, strict=True)))

    def _read_plain(self, row: _PlainRow, points: int, lengths: tuple[int, ...]) -> npt.NDArray[Any]:
        """The first points of a row as an array of the dataset's own lengths."""
        values = self._storage.empty((points, *lengths))
        for column, chunk in row.chunks.items():
            part = _as_chunk(self._file.read_at(self._storage.chunk_nbytes, chunk.address), self._storage)
            cut = tuple(slice(i * c, (i + 1) * c) for i, c in zip(column, self._inner, strict=True))
            target = values[(slice(None), *cut)]
            target[...] = part[tuple(map(slice, target.shape))]
        return values


def _as_chunk(stored: npt.NDArray[np.uint8], storage: Storage) -> npt.NDArray[Any]:
    return stored.view(storage.dtype).reshape(storage.chunk)


def _values_stored(
    read: Callable[[], npt.NDArray[np.uint8]], storage: Storage, inside: tuple[slice, ...]
) -> npt.NDArray[Any]:
    """Those of a chunk that are ``inside`` the dataset; in any thread."""
    return _as_chunk(read(), storage)[inside]


def _runs(
    part: npt.NDArray[Any], chunk: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], npt.NDArray[Any]]]:
    """The pieces of ``part`` that lie in one piece in a chunk, each with the place of its first element."""
    whole = part.ndim
    while whole > 1 and part.shape[whole - 1] == chunk[whole - 1]:
        whole -= 1
    for corner in np.ndindex(part.shape[: whole - 1]):
        yield corner + (0,) * (part.ndim - whole + 1), part[corner]


def write_rows(dataset: Any, start: int, values: npt.NDArray[Any], storage: Storage) -> None:
    """Rows from ``start`` on, by HDF5; the dataset has the extent already."""
    write_box(dataset, (start,) + (0,) * (values.ndim - 1), values, storage)
