"""What HDF5 writes to a file between two flushes, kept until it belongs together.

A flush of HDF5 writes dozens of pieces of metadata in place, one after the other and the superblock last; a
kill between two of them leaves links to objects behind the end that the superblock knows, B-trees whose
nodes do not fit, checksums of what is not there yet. No order of writes avoids that: a B-tree and its heap
change together. So HDF5 writes to this object, and the file changes in two steps only:

1. What lies behind the end that the file had at the last commit is written, and the file made as long as the
   superblock will say. Nothing in the file leads there yet.
2. What changes before that end is handed over, as a whole, to a process of its own (:mod:`.committer`), which
   writes it also when this one is killed meanwhile. A change within one page needs no help: the kernel does
   not interrupt the copy of a page.

So at any moment the file is what the last commit made of it. What is kept here are pages of the file before
its end. What comes behind the end goes to the file in pieces, as they follow each other, also before the
commit; and so does what comes to pages in between that the last commit left free: whole chunks, mostly.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .committer import Run, commit
from .file_bytes import FileBytes, file_failed
from .free_pages import FreePages

PAGE = 4096
_LONG_NBYTES = 2**16
_TAIL_NBYTES = 2**22
_MOST_KNOWN = 2**9
_SIGNATURE_NBYTES = 8


class StagedWrites:
    """The file of ``descriptor``, as HDF5 sees it through h5py's driver for file objects.

    After :meth:`discard` nothing reaches the file any more. Everything raises FileFailed.
    """

    def __init__(self, descriptor: int) -> None:
        self._file = FileBytes(descriptor)
        self._position = 0
        self._size = self._committed_end = self._file.length
        self._pages: dict[int, bytearray] = {}
        self._known: dict[int, bytearray] = {}
        self._free = FreePages()
        self._tail = bytearray()
        self._tail_start = self._size
        self._noted: list[tuple[int, int]] | None = None
        self._left_out: bytes | bytearray = b""
        self._is_open = False
        self._discarded = False

    def opened(self) -> None:
        """HDF5 has the file open. Whoever reads its signature again follows a link to another file, or reads
        a virtual dataset: HDF5 passes our driver on, and must not find this file there."""
        self._is_open = True

    def commit(self) -> None:
        """Bring everything into the file, after a flush of HDF5."""
        if self._discarded:
            return
        self._end_tail(self._size)
        if self._file.length < self._size:
            self._file.set_length(self._size)
        runs = self._runs(self._pages)
        if len(runs) == 1 and len(runs[0][1]) <= PAGE:
            self._file.write(memoryview(runs[0][1]), runs[0][0])
        elif runs:
            with file_failed():
                commit(self._file.descriptor, runs)
        self._keep(self._pages)
        self._pages.clear()
        if self._file.length > self._size:
            self._file.set_length(self._size)
        self._committed_end = self._size
        self._free.take(self._size // PAGE, sys.maxsize)

    def free(self, address: int, nbytes: int) -> None:
        """Nothing leads there in the file as it was last committed, nor in what was written since."""
        start, stop = -(-address // PAGE), min(address + nbytes, self._committed_end) // PAGE
        if self._pages.keys().isdisjoint(range(start, stop)):
            self._free.add(start, stop)

    def leave(self, descriptor: int) -> None:
        """All is committed, and the locks are given back: nothing reaches the file any more, and what HDF5
        still reads comes from this descriptor."""
        self.discard()
        self._descriptor = descriptor

    def discard(self) -> None:
        """Forget what is not committed, now and from now on. What HDF5 writes to close the file is lost."""
        self._discarded = True
        self._tail.clear()

    def write_at(self, data: memoryview, address: int) -> None:
        """Raw data to a place that is in the file already, or that HDF5 has written to just now: at once,
        but where a commit would write over it."""
        if self._discarded:
            return
        nbytes = len(data)
        self._end_tail(address + nbytes)
        numbers = _pages_of(address, nbytes)
        self._free.take(numbers.start, numbers.stop)
        if self._pages.keys().isdisjoint(numbers):
            self._file.write(data, address)
            if self._known.keys().isdisjoint(numbers):
                return
        else:
            for waits, group in itertools.groupby(numbers, self._pages.__contains__):
                if not waits:
                    first, *_, last = [*group] * 2
                    low, high = max(address, first * PAGE), min(address + nbytes, (last + 1) * PAGE)
                    self._file.write(data[low - address : high - address], low)
        self._patch(data, address)

    @contextmanager
    def noted(self, *, left_out: bytes | bytearray = b"") -> Iterator[list[tuple[int, int]]]:
        """What HDF5 writes inside: addresses and numbers of bytes. What begins like ``left_out``, is as long
        and comes behind the end that the file had at the last commit is only noted."""
        noted: list[tuple[int, int]] = []
        self._noted, self._left_out = noted, left_out
        try:
            yield noted
        finally:
            self._noted, self._left_out = None, b""

    def read_at(self, buffer: memoryview, address: int) -> int:
        """How many bytes there were: fewer than ``buffer`` has at the end of the file."""
        return self._read(buffer, address)

    def keeps(self, nbytes: int, address: int) -> bool:
        """Whether the file itself has these bytes, nothing of them waits here, and HDF5 changes none of them
        before the next commit: of a place that is not free."""
        is_before_end = address + nbytes <= self._committed_end
        return is_before_end and self._pages.keys().isdisjoint(_pages_of(address, nbytes))

    # -- what HDF5 asks for --

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset if whence == os.SEEK_SET else self._size + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._is_open and len(view) == _SIGNATURE_NBYTES and not self._position:
            view[:] = bytes(len(view))
            return len(view)
        return self._read(view, self._position)

    def write(self, data: Any) -> int:
        address, nbytes = self._position, len(data)
        self._position = end = address + nbytes
        if self._discarded:
            return nbytes
        if end > self._size:
            self._size = end
        if self._noted is not None:
            self._noted.append((address, nbytes))
        if address >= self._committed_end:
            if self._left_out and nbytes == len(self._left_out) and self._left_out.startswith(data[:PAGE]):
                self._end_tail(end)
            else:
                self._append(data, address, nbytes)
            return nbytes
        if end > self._committed_end:
            self._end_tail(end)
        page = self._pages.get(address // PAGE)
        if page is not None and (offset := address % PAGE) + nbytes <= PAGE:
            page[offset : offset + nbytes] = data
        else:
            self._write_inside(memoryview(data).cast("B"), address)
        return nbytes

    def truncate(self, size: int) -> int:
        """To the end that HDF5 knows; the file itself is never shorter than at the last commit."""
        self._size = size
        return size

    def flush(self) -> None:
        """HDF5 asks for it when it opens a file, too: :meth:`commit` is for us to call."""

    # -- pages --

    def _write_inside(self, data: memoryview, address: int) -> None:
        """Before the end: whole pages that are free go to the file at once, all others wait."""
        end = address + len(data)
        numbers = _pages_of(address, len(data))
        for start, stop in self._free.take(numbers.start, numbers.stop):
            low, high = max(start, -(-address // PAGE)) * PAGE, min(stop, end // PAGE) * PAGE
            if low < high:
                self._stage(data[: low - address], address)
                self._file.write(data[low - address : high - address], low)
                self._patch(data[low - address : high - address], low)
                data, address = data[high - address :], high
        self._stage(data, address)

    def _stage(self, data: memoryview, address: int) -> None:
        pages = self._pages
        while data:
            number, offset = divmod(address, PAGE)
            page = pages.get(number)
            if page is None:
                page = pages[number] = (
                    self._known.pop(number) if number in self._known else self._page(number)
                )
            part = data[: PAGE - offset]
            page[offset : offset + len(part)] = part
            data, address = data[len(part) :], address + len(part)

    def _page(self, number: int) -> bytearray:
        page = bytearray(PAGE)
        if number * PAGE < self._file.length:
            self._file.read(memoryview(page), number * PAGE)
        return page

    def _keep(self, pages: dict[int, bytearray]) -> None:
        """What was read or written once often is again: remember it, as it is in the file."""
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known.update(itertools.islice(pages.items(), _MOST_KNOWN))

    def _patch(self, data: memoryview, address: int) -> None:
        """Let pages that wait, or are remembered, have what was written to the file itself."""
        numbers = _pages_of(address, len(data))
        for pages in (self._pages, self._known):
            if pages.keys().isdisjoint(numbers):
                continue
            for number in numbers:
                page = pages.get(number)
                if page is not None:
                    start = number * PAGE
                    low, high = max(address, start), min(address + len(data), start + PAGE)
                    page[low - start : high - start] = data[low - address : high - address]

    def _read(self, view: memoryview, address: int) -> int:
        length = max(0, min(len(view), self._size - address))
        inside = address - self._tail_start
        if 0 <= inside <= len(self._tail) - length:
            view[:length] = self._tail[inside : inside + length]
            return length
        if self._tail and inside + length > 0:
            self._write_tail()
        number, offset = divmod(address, PAGE)
        if 0 < length <= PAGE - offset:
            page = self._pages.get(number) or self._known.get(number)
            if page is None:
                page = self._page(number)
                self._keep({number: page})
            view[:length] = page[offset : offset + length]
        elif length:
            self._read_long(view[:length], address)
        return length

    def _read_long(self, view: memoryview, address: int) -> None:
        length = len(view)
        pages = _pages_of(address, length)
        waiting = [number for number in pages if number in self._pages]
        if len(waiting) < len(pages):
            done = self._file.read(view, address)
            view[done:] = bytes(length - done)
        for number in waiting:
            start = number * PAGE
            low, high = max(address, start), min(address + length, start + PAGE)
            view[low - address : high - address] = self._pages[number][low - start : high - start]

    def _append(self, data: Any, address: int, nbytes: int) -> None:
        """Behind the end that the file had at the last commit. The tail holds all that came behind its start;
        what comes before that goes to the file at once."""
        tail, offset = self._tail, address - self._tail_start
        if 0 <= offset <= len(tail) and offset + nbytes <= len(tail):
            tail[offset : offset + nbytes] = data
        elif offset >= len(tail) and nbytes < _LONG_NBYTES:
            if offset + nbytes > _TAIL_NBYTES:
                self._write_tail()
                self._tail_start, offset = address, 0
            self._tail += bytes(offset - len(self._tail))
            self._tail += data
        else:
            self._end_tail(address + nbytes)
            self._file.write(memoryview(data).cast("B"), address)
            self._patch(memoryview(data).cast("B"), address)

    def _end_tail(self, end: int) -> None:
        """What comes before ``end`` is written past the tail."""
        self._write_tail()
        self._tail_start = max(self._tail_start, end)

    def _write_tail(self) -> None:
        """Nothing in the file leads there yet, so it does not matter when."""
        if self._tail:
            data, address = memoryview(self._tail), self._tail_start
            self._tail_start += len(data)
            self._tail = bytearray()
            self._file.write(data, address)
            self._patch(data, address)

    def _runs(self, numbers: Iterable[int]) -> list[Run]:
        """Pages that follow each other, as (address, bytes), not beyond the end."""
        runs: list[Run] = []
        for _, group in itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
            run = [number for _, number in group]
            data = b"".join(self._pages[number] for number in run)[: max(0, self._size - run[0] * PAGE)]
            if data:
                runs.append((run[0] * PAGE, data))
        return runs


def _pages_of(address: int, nbytes: int) -> range:
    return range(address // PAGE, -(-(address + nbytes) // PAGE))
