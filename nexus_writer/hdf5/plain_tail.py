"""Compressed datasets while they grow: chunks that are not full yet wait in the file, uncompressed.

HDF5 itself would keep a partial chunk in memory and compress all of it at every flush (4 ms each time for
1 MiB), or at every append. Here

* a partial chunk is stored as it is, with a filter mask that says so (any reader understands it), and new
  points are written at their place in it: no memory, no move, as cheap as an uncompressed dataset;
* a full chunk is compressed once, to another place; the old one stays untouched until the next flush
  (:mod:`.places`). HDF5 frees a chunk's place before it looks for the new one, so chunks are cut off first,
  their places occupied, and the chunks written anew.

The handle that wrote such a chunk must not read it through HDF5 2.0, which forgets its filter mask.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from .live_file import LiveFile
from .storage import Storage


@dataclass(slots=True)
class _PlainRow:
    """A row of chunks: the address of each in the file, by its position within the row, and its points."""

    addresses: dict[tuple[int, ...], int] = field(default_factory=dict)
    points: int = 0


class PlainTail:
    """Writes the points of one compressed dataset. A point is written once; it need not be in order."""

    def __init__(self, dataset: Any, storage: Storage, file: LiveFile) -> None:
        self._dataset = dataset
        self._storage = storage
        self._file = file
        self._length, *inner = storage.chunk
        self._inner = tuple(inner)
        self._rows: dict[int, _PlainRow] = {}
        self._last = -1

    def write(self, start: int, values: npt.NDArray[Any], extent: tuple[int, ...]) -> None:
        """Points from ``start`` on; the dataset has the ``extent`` already. Raises FileBroken."""
        stop = start + len(values)
        head = min(stop, -(-start // self._length) * self._length)
        tail = max(head, stop // self._length * self._length)
        if start < head:
            self._write_plain(start, values[: head - start])
            self._compress_if_full(start // self._length, extent)
        if head < tail:
            write_rows(self._dataset, head, values[head - start : tail - start], self._storage)
            self._last = max(self._last, tail // self._length - 1)
        if tail < stop:
            self._write_plain(tail, values[tail - start :])

    def finish(self, extent: tuple[int, ...]) -> None:
        """No more points will come: compress the last row of chunks too, into places that others left."""
        if self._last in self._rows:
            self._file.flush()
            self._compress(self._last, extent, into_old_places=True)

    def _write_plain(self, start: int, values: npt.NDArray[Any]) -> None:
        """Points within one row of chunks that does not get full by them alone."""
        number, offset = divmod(start, self._length)
        row = self._rows.setdefault(number, _PlainRow())
        self._last = max(self._last, number)
        item = self._storage.dtype.itemsize
        for column, part in self._columns(values):
            address = row.addresses.get(column)
            if address is None:
                address = row.addresses[column] = self._new_chunk(number, column)
            self._file.write_at(part, address + offset * int(np.prod(self._inner, dtype=np.int64)) * item)
        row.points += len(values)

    def _columns(self, values: npt.NDArray[Any]) -> Iterator[tuple[tuple[int, ...], npt.NDArray[Any]]]:
        """``values`` cut into the chunks of a row, each filled up to the chunk's lengths."""
        counts = (range(-(-n // c)) for n, c in zip(values.shape[1:], self._inner, strict=True))
        for column in itertools.product(*counts):
            cut = tuple(slice(i * c, (i + 1) * c) for i, c in zip(column, self._inner, strict=True))
            part = values[(slice(None), *cut)]
            if part.shape[1:] != self._inner:
                padded = self._storage.empty((len(values), *self._inner))
                padded[tuple(map(slice, part.shape))] = part
                part = padded
            yield column, np.ascontiguousarray(part)

    def _new_chunk(self, number: int, column: tuple[int, ...]) -> int:
        """The address of a new chunk of fill values."""
        offset = (number * self._length, *(i * c for i, c in zip(column, self._inner, strict=True)))
        empty = self._storage.empty(self._storage.chunk)
        self._file.places.give_back(self._storage.chunk_nbytes, 1)
        self._dataset.write_direct_chunk(offset, empty.tobytes(), self._storage.all_filters_skipped)
        return int(self._dataset.get_chunk_info_by_coord(offset).byte_offset)

    def _compress_if_full(self, number: int, extent: tuple[int, ...]) -> None:
        """A row that lacks points stays plain, so that they can come late."""
        if number == self._last and self._rows[number].points == self._length:
            self._compress(number, extent)

    def _compress(self, number: int, extent: tuple[int, ...], *, into_old_places: bool = False) -> None:
        """Write the last row of chunks of the dataset anew, through the filters and to another place."""
        row = self._rows.pop(number)
        start = number * self._length
        values = self._read_plain(row, min(self._length, extent[0] - start), extent[1:])
        places, nbytes, addresses = (
            self._file.places,
            self._storage.chunk_nbytes,
            list(row.addresses.values()),
        )
        places.keep_from_end(self._dataset, addresses)
        self._dataset.set_extent((start, *extent[1:]))
        occupied = places.occupy(self._dataset, addresses, nbytes)
        if into_old_places:
            places.give_back(nbytes, len(addresses))
        self._dataset.set_extent(extent)
        write_rows(self._dataset, start, values, self._storage)
        if not occupied:
            self._file.flush()

    def _read_plain(self, row: _PlainRow, points: int, lengths: tuple[int, ...]) -> npt.NDArray[Any]:
        """The first points of a row as an array of the dataset's own lengths."""
        values = self._storage.empty((points, *lengths))
        for column, address in row.addresses.items():
            stored = self._file.read_at(self._storage.chunk_nbytes, address)
            part = np.frombuffer(stored, dtype=self._storage.dtype).reshape(self._storage.chunk)
            cut = tuple(slice(i * c, (i + 1) * c) for i, c in zip(column, self._inner, strict=True))
            target = values[(slice(None), *cut)]
            target[...] = part[tuple(map(slice, target.shape))]
        return values


def write_rows(dataset: Any, start: int, values: npt.NDArray[Any], storage: Storage) -> None:
    """Rows from ``start`` on, by HDF5; the dataset has the extent already."""
    write_box(dataset, (start,) + (0,) * (values.ndim - 1), values, storage)


def write_box(dataset: Any, start: tuple[int, ...], values: npt.NDArray[Any], storage: Storage) -> None:
    """A box of the shape of ``values`` from the element ``start`` on."""
    in_file = dataset.get_space()
    in_file.select_hyperslab(start, values.shape)
    dataset.write(
        h5py.h5s.create_simple(values.shape), in_file, np.ascontiguousarray(values), storage.memory_type
    )
