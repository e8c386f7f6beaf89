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

So at any moment the file is what the last commit made of it. What is kept here are pages of the file; long
pieces of raw data, and what lies behind the end when there is much of it, go to the file before the commit.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .committer import Run, commit
from .errors import FileFailed

PAGE = 4096
_LONG_NBYTES = 2**16
_MOST_PAGES = 2**12
_SIGNATURE_NBYTES = 8


class StagedWrites:
    """The file of ``descriptor``, as HDF5 sees it through h5py's driver for file objects.

    After :meth:`discard` nothing reaches the file any more. Everything raises FileFailed.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0
        self._size = self._length = self._committed_end = os.fstat(descriptor).st_size
        self._pages: dict[int, bytearray] = {}
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
        with _file_failed():
            self._write_behind_the_end()
            runs = self._runs(self._pages)
            if len(runs) == 1 and len(runs[0][1]) <= PAGE:
                self._write_now(memoryview(runs[0][1]), runs[0][0])
            elif runs:
                commit(self._descriptor, runs)
            self._pages.clear()
            if self._length > self._size:
                self._set_length()
        self._committed_end = self._size

    def discard(self) -> None:
        """Forget what is not committed, now and from now on. What HDF5 writes to close the file is lost."""
        self._discarded = True

    def write_at(self, data: memoryview, address: int) -> None:
        """Raw data to a place that is in the file already, or that HDF5 has written to just now: at once,
        but where a commit would write over it."""
        if self._discarded:
            return
        pages = _pages_of(address, len(data))
        with _file_failed():
            for waits, numbers in itertools.groupby(pages, self._pages.__contains__):
                if not waits:
                    first, *_, last = [*numbers] * 2
                    low, high = max(address, first * PAGE), min(address + len(data), (last + 1) * PAGE)
                    self._write_now(data[low - address : high - address], low)
        self._patch(data, address)

    def read_at(self, nbytes: int, address: int) -> bytes:
        """Fewer bytes than asked for at the end of the file."""
        buffer = bytearray(nbytes)
        return bytes(buffer[: self._read(memoryview(buffer), address)])

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
        view, address = memoryview(data).cast("B"), self._position
        self._position = end = address + len(view)
        if self._discarded:
            return len(view)
        if end > self._size:
            self._size = end
        if len(view) >= _LONG_NBYTES and address >= self._committed_end:
            with _file_failed():
                self._write_now(view, address)
            self._patch(view, address)
        else:
            self._stage(view, address)
        return len(view)

    def truncate(self, size: int) -> int:
        """To the end that HDF5 knows; the file itself is never shorter than at the last commit."""
        self._size = size
        return size

    def flush(self) -> None:
        """HDF5 asks for it when it opens a file, too: :meth:`commit` is for us to call."""

    # -- pages --

    def _stage(self, data: memoryview, address: int) -> None:
        pages = self._pages
        while data:
            number, offset = divmod(address, PAGE)
            page = pages.get(number)
            if page is None:
                page = pages[number] = bytearray(PAGE)
                if number * PAGE < self._length:
                    self._read_now(memoryview(page), number * PAGE)
            part = data[: PAGE - offset]
            page[offset : offset + len(part)] = part
            data, address = data[len(part) :], address + len(part)
        if len(pages) > _MOST_PAGES:
            with _file_failed():
                self._write_behind_the_end()

    def _patch(self, data: memoryview, address: int) -> None:
        """Let pages that wait have what was written to the file itself."""
        for number in _pages_of(address, len(data)):
            page = self._pages.get(number)
            if page is not None:
                start = number * PAGE
                low, high = max(address, start), min(address + len(data), start + PAGE)
                page[low - start : high - start] = data[low - address : high - address]

    def _read(self, view: memoryview, address: int) -> int:
        length = max(0, min(len(view), self._size - address))
        view = view[:length]
        pages = _pages_of(address, length)
        waiting = [number for number in pages if number in self._pages]
        if len(waiting) < len(pages):
            done = self._read_now(view, address)
            view[done:] = bytes(length - done)
        for number in waiting:
            start = number * PAGE
            low, high = max(address, start), min(address + length, start + PAGE)
            view[low - address : high - address] = self._pages[number][low - start : high - start]
        return length

    def _write_behind_the_end(self) -> None:
        """Nothing in the file leads there, so it does not matter when."""
        if self._length < self._size:
            self._set_length()
        first = -(-self._committed_end // PAGE)
        behind = [number for number in self._pages if number >= first]
        for address, data in self._runs(behind):
            self._write_now(memoryview(data), address)
        for number in behind:
            del self._pages[number]

    def _runs(self, numbers: Iterable[int]) -> list[Run]:
        """Pages that follow each other, as (address, bytes), not beyond the end."""
        runs: list[Run] = []
        for _, group in itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
            run = [number for _, number in group]
            data = b"".join(self._pages[number] for number in run)[: max(0, self._size - run[0] * PAGE)]
            if data:
                runs.append((run[0] * PAGE, data))
        return runs

    def _set_length(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        self._length = self._size

    def _write_now(self, data: memoryview, address: int) -> None:
        self._length = max(self._length, address + len(data))
        while data:
            written = os.pwrite(self._descriptor, data, address)
            data, address = data[written:], address + written

    def _read_now(self, view: memoryview, address: int) -> int:
        with _file_failed():
            return os.preadv(self._descriptor, [view], address)


def _pages_of(address: int, nbytes: int) -> range:
    return range(address // PAGE, -(-(address + nbytes) // PAGE))


@contextmanager
def _file_failed() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        number, text = error.errno, error.strerror
    else:
        return
    raise FileFailed(number, text)
