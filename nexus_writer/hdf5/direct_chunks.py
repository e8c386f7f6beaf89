"""Uncompressed datasets while they grow: points go to their place in a chunk past HDF5.

What lies behind the committed points of a channel is not trusted, so the bytes of new ones need not wait for
a flush; HDF5 learns only how long the dataset is. A new chunk is written by HDF5, filled up, once. It never
moves, and nobody else gets its place: :class:`.growing.GrowingDataset` holds the dataset. One flush with 20
points takes 18 us of CPU for each channel, 49 with HDF5 writing them.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .live_file import LiveFile
from .storage import Storage


class DirectChunks:
    """Writes the points of one dataset whose chunks hold whole rows. A point is written once.

    ``grid`` are the dimensions of the scan behind the first one: () for a line.
    """

    def __init__(self, dataset: Any, storage: Storage, file: LiveFile, grid: tuple[int, ...]) -> None:
        self._dataset = dataset
        self._storage = storage
        self._file = file
        self._point = storage.chunk[1 + len(grid) :]
        self._points = storage.chunk[0] * prod(grid)
        self._point_nbytes = prod(self._point) * storage.dtype.itemsize
        self._takes = not storage.is_text and not storage.filters and storage.chunk[1 : 1 + len(grid)] == grid
        self._chunks: dict[int, tuple[int, int]] = {}
        """Of those that are not full: address and number of points."""
        self._last = -1

    def write(self, start: int, values: npt.NDArray[Any]) -> bool:
        """Points from ``start`` on, counted in C order; the dataset is long enough already.

        False when nothing was written: HDF5 has to, then and ever after. Raises FileBroken.
        """
        if not self._takes or values.shape[1:] != self._point:
            self._takes = False
            return False
        values = np.ascontiguousarray(values)
        done = 0
        while done < len(values):
            number, first = divmod(start + done, self._points)
            part = values[done : done + self._points - first]
            self._write_part(number, first, part)
            done += len(part)
        return True

    def _write_part(self, number: int, first: int, part: npt.NDArray[Any]) -> None:
        address, points = self._chunks.get(number) or (self._address(number), 0)
        if address is None:
            address = self._new_chunk(number, first, part)
        else:
            self._file.write_at(part, address + first * self._point_nbytes)
        points += len(part)
        if points < self._points:
            self._chunks[number] = (address, points)
        else:
            self._chunks.pop(number, None)

    def _address(self, number: int) -> int | None:
        """Of a chunk that may be there although nobody remembers it, None when it is not."""
        if number > self._last:
            return None
        address = self._dataset.get_chunk_info_by_coord(self._offset(number)).byte_offset
        return None if address is None else int(address)

    def _new_chunk(self, number: int, first: int, part: npt.NDArray[Any]) -> int:
        """Its address. What is not in ``part`` holds fill values."""
        if len(part) < self._points:
            filled = self._storage.empty((self._points, *self._point))
            filled[first : first + len(part)] = part
            part = filled
        self._last = max(self._last, number)
        return self._file.write_chunk(self._dataset, self._offset(number), part)

    def _offset(self, number: int) -> tuple[int, ...]:
        chunk = self._storage.chunk
        return (number * chunk[0], *(0,) * (len(chunk) - 1))
