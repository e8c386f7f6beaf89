"""The latest samples of a stream, by their index since the stream's begin.

One process writes; with shared memory, others read without a lock. So that no reader ever takes a sample that
is being replaced for a good one, the writer announces first: it moves the *write* index, then writes the
samples, then moves the *read* index. A sample i is whole while ``i >= write - size``. A reader copies first
and compares afterwards (``holds``). The order of stores that this rests on is that of x86-64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dtypes import make_dtype
from .errors import IndexGoesBack, OverrunError
from .shared_mem import SharedMem

__all__ = ["RingBuffer"]

READ, WRITE, RESETS = 0, 1, 2
HEADER_BYTES = 64

Item = int | slice | tuple[Any, ...]


class RingBuffer:
    """The last ``shape[0]`` samples of an endless array; the other axes are those of one sample.

    ``double`` writes each sample twice, so that every segment is one view. ``axisorder`` is the order of the
    axes in memory, slowest first; the shape that is seen stays. ``shmem`` is True for a buffer in shared
    memory, or the shm_id of one, which can only be read. ``fill`` (nan, or 0 if the type has none) is read
    where nothing was written. A view shows later samples once these come round to its place: see ``holds``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any,
        double: bool = True,
        shmem: bool | str | None = None,
        fill: Any = None,
        axisorder: Sequence[int] | None = None,
    ) -> None:
        if isinstance(shape, int):
            raise ValueError(f"a buffer of shape {shape}: give a length for each axis, like ({shape}, 1)")
        self.shape = tuple(int(n) for n in shape)
        self.dtype = make_dtype(dtype)
        self.double = double
        self.axisorder = _checked_order(axisorder, len(self.shape))
        if not self.shape or min(self.shape) < 1:
            raise ValueError(f"a buffer of shape {self.shape}: every axis needs one element or more")
        self.size = self.shape[0]
        if fill is None:
            fill = np.nan if self.dtype.kind in "fc" else 0
        self.fill = fill
        self.shared_mem: SharedMem | None = None
        numbers, self._memory = self._allocate(shmem)
        self._header: Any = memoryview(numbers)  # type: ignore[arg-type]
        if self._memory.flags.writeable:
            self._memory[...] = self._filled()

    @property
    def shm_id(self) -> str | None:
        return self.shared_mem.shm_id if self.shared_mem else None

    def index(self) -> int:
        """One more than the last sample that can be read."""
        return int(self._header[READ])

    def first_index(self) -> int:
        """The first sample that can be read; below 0 as long as the buffer was not filled once."""
        return self.index() - self.size

    def resets(self) -> int:
        """How often the index was set back to 0."""
        return int(self._header[RESETS])

    def holds(self, start: int) -> bool:
        """False when the sample ``start`` is, or may be, replaced: ask after the use of a view."""
        return bool(start >= self._header[WRITE] - self.size)

    def new_chunk(self, data: NDArray[Any], index: int | None = None) -> None:
        """Append samples. ``index`` is that of the last one + 1; samples that it leaves out read as fill."""
        if self._header.readonly:
            raise ValueError(f"the buffer {self.shm_id} belongs to another one: it can only be read")
        count = self._checked(data)
        written = self.index()
        index = written + count if index is None else int(index)
        if index - count < written:
            raise IndexGoesBack(index - count, written)
        self.append(data, index)

    def append(self, data: NDArray[Any], index: int) -> None:
        """As ``new_chunk``, for who has made sure of all that it refuses."""
        count, written = len(data), self._header[READ]
        self._header[WRITE] = max(index, self._header[WRITE])
        if index - count > written:
            for start, stop in self._places(max(written, index - self.size), index - count):
                self._memory[start:stop] = self._filled()
        self._put(data, index - count, index)
        self._header[READ] = index

    def _put(self, data: NDArray[Any], start: int, stop: int) -> None:
        place = start % self.size
        if not self.double and place + stop - start <= self.size:
            self._memory[place : place + stop - start] = data
            return
        done = 0
        for first, last in self._places(start, stop):
            self._memory[first:last] = data[done : done + last - first]
            done = (done + last - first) % max(len(data), 1)

    def get_data(self, start: int, stop: int, copy: bool = False, join: bool = True) -> Any:
        """The samples ``start`` to ``stop`` (without it); with ``join=False`` in two arrays.

        What is copied is whole: OverrunError if the writer replaced some of it meanwhile. IndexError for
        samples that the buffer does not have.
        """
        if copy and join:
            return self.copied(start, stop)
        self._check_bounds(start, stop)
        resets = self.resets()
        parts = self._parts(start, stop)
        if join:
            parts = [parts[0] if not len(parts[1]) else np.concatenate(parts)]
        if copy:
            parts = [part.copy() for part in parts]
        self._check_whole(start, stop, resets)
        return parts[0] if join else tuple(parts)

    def copied(self, start: int, stop: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """As ``get_data`` with a copy; ``out``, if given, is an array that takes it. After an OverrunError
        nothing in it can be trusted."""
        self._check_bounds(start, stop)
        resets = self.resets()
        made: NDArray[Any] = np.empty((stop - start, *self.shape[1:]), self.dtype) if out is None else out
        self.copy_out(start, stop, made)
        self._check_whole(start, stop, resets)
        return made

    def copy_out(self, start: int, stop: int, out: NDArray[Any]) -> None:
        """Whatever is in the places of these samples: ask ``holds(start)`` and ``resets()`` afterwards."""
        count, place = stop - start, start % self.size
        head = count if self.double else min(count, self.size - place)
        if head == count:
            out[...] = self._memory[place : place + count]
            return
        out[:head] = self._memory[place : place + head]
        out[head:] = self._memory[: count - head]

    def reset_index(self) -> None:
        """The next sample is number 0 again; what is there stays."""
        self._header[RESETS] += 1
        self._header[READ] = self._header[WRITE] = 0

    def close(self) -> None:
        """Let go of shared memory. Views that are still used stay valid."""
        if self.shared_mem:
            self.shared_mem.close()

    def __getitem__(self, item: Item) -> Any:
        first, rest = (item[0], item[1:]) if isinstance(item, tuple) and item else (item, ())
        if isinstance(first, slice):
            return self._sliced(first)[(slice(None), *rest)]
        if isinstance(first, bool) or not isinstance(first, int | np.integer):
            raise TypeError(f"a buffer is indexed by numbers and slices, not by {type(first).__name__}")
        start = self._absolute(int(first))
        return self.get_data(start, start + 1)[(0, *rest)]

    def _sliced(self, item: slice) -> NDArray[Any]:
        step = 1 if item.step is None else int(item.step)
        if not step:
            raise ValueError("slice step cannot be zero")
        first, last = self.first_index(), self.index()
        begin, end = (first, last) if step > 0 else (last - 1, first - 1)
        begin = begin if item.start is None else self._absolute(int(item.start))
        end = end if item.stop is None else self._absolute(int(item.stop))
        low, high = (begin, max(begin, end)) if step > 0 else (min(begin, end) + 1, begin + 1)
        segment: NDArray[Any] = self.get_data(low, high)
        return segment[:: abs(step)] if step > 0 else segment[::-1][:: abs(step)]

    def _absolute(self, index: int) -> int:
        return index if index >= 0 else self.index() + index

    def _check_bounds(self, start: int, stop: int) -> None:
        first, last = self.first_index(), self.index()
        if not (first <= start <= stop <= last):
            raise IndexError(f"samples {start} to {stop} are not in the buffer: it has {first} to {last}")

    def _check_whole(self, start: int, stop: int, resets: int) -> None:
        lost = self._header[WRITE] - self.size - start
        if (lost > 0 and stop > start) or resets != self._header[RESETS]:
            raise OverrunError(max(min(lost, stop - start), 1))

    def _places(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Where the samples are written, in order; in a double buffer twice."""
        if stop <= start:
            return []
        size, place, count = self.size, start % self.size, stop - start
        head = min(count, size - place)
        places = [(place, place + head), (0, count - head)] if head < count else [(place, place + head)]
        return places + [(a + size, b + size) for a, b in places] if self.double else places

    def _parts(self, start: int, stop: int) -> list[NDArray[Any]]:
        place, count = start % self.size, stop - start
        head = count if self.double else min(count, self.size - place)
        return [self._memory[place : place + head], self._memory[: count - head]]

    def _checked(self, data: NDArray[Any]) -> int:
        if data.dtype != self.dtype:
            raise TypeError(f"a chunk of {data.dtype} into a buffer of {self.dtype}: convert it first")
        if data.ndim != len(self.shape) or data.shape[1:] != self.shape[1:]:
            raise ValueError(
                f"a chunk of shape {data.shape} into a buffer of samples of shape {self.shape[1:]}"
            )
        if len(data) > self.size:
            raise ValueError(
                f"a chunk of {len(data)} samples into a buffer of {self.size}: cut it, or make it larger"
            )
        return len(data)

    def _filled(self) -> NDArray[Any]:
        return np.full((1,) * len(self.shape), self.fill, self.dtype)

    def _allocate(self, shmem: bool | str | None) -> tuple[NDArray[np.int64], NDArray[Any]]:
        seen = (self.size * (2 if self.double else 1), *self.shape[1:])
        in_memory = tuple(seen[axis] for axis in self.axisorder)
        back = tuple(int(axis) for axis in np.argsort(self.axisorder))
        if not shmem:
            return np.zeros(3, np.int64), np.empty(in_memory, self.dtype).transpose(back)
        nbytes = HEADER_BYTES + math.prod(in_memory) * self.dtype.itemsize
        self.shared_mem = SharedMem(nbytes, shmem if isinstance(shmem, str) else None)
        header = self.shared_mem.to_numpy(0, np.int64, (3,))
        return header, self.shared_mem.to_numpy(HEADER_BYTES, self.dtype, in_memory).transpose(back)


def _checked_order(axisorder: Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    order = tuple(range(ndim)) if axisorder is None else tuple(int(axis) for axis in axisorder)
    if sorted(order) != list(range(ndim)):
        raise ValueError(f"axisorder {order} for {ndim} axes: name each axis from 0 to {ndim - 1} once")
    return order
