"""One file that this process writes while others read it.

Two invariants. *At any moment the file is what the last flush made of it*, whole, also when the process is
killed: HDF5 does not write to the file but to a :class:`~.staged_writes.StagedWrites`.

*After a failed write nothing reaches the file through its handle any more.* When a flush fails (a full disk),
HDF5 keeps part of what it failed to write, and would report success as soon as there is space, with wrong
values in the file (measured: 16,384). So at the first failure what HDF5 has written since the last flush, and
still wants to write until its last close, is thrown away.

Raw data is not cached, but written through at once, so that memory does not grow with the number of open
datasets, and a flush has only metadata to write.
"""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import metadata_cache
from ._library import h5py
from .causes import cause_text, failure_of
from .chunk_jobs import ChunkJobs
from .closing import close_file
from .compression_threads import compression_threads
from .copied_group import CopiedGroup
from .errors import FileBroken, FileFailed
from .file_bytes import file_failed
from .locks import WriterLock
from .places import Places, punch_holes
from .reservation import Reservation
from .scratch import Scratch
from .staged_writes import StagedWrites
from .syncs import Sync, Syncs, carry_out

_UNWRITTEN_NBYTES = 2**16
_MARK_NBYTES = 16

_live: dict[int, LiveFile] = {}
_read_buffers = Scratch()
_process = os.getpid()


class LiveFile:
    """A file open for writing, locked, until :meth:`close`; :mod:`.opening` opens it. One thread only.

    ``path`` is absolute and without symbolic links. ``root`` is valid until the file is closed.
    """

    path: Path
    root: Any
    places: Places
    jobs: ChunkJobs
    """Full chunks that are being compressed: none after a flush."""
    entries: set[str]
    """Names in the root that this process is writing to."""
    shown: str
    """What the root shows by default, where that was set since the file was opened."""

    def __init__(
        self, path: Path, lock: WriterLock, number: Any, root: Any, writes: StagedWrites, descriptor: int
    ) -> None:
        """``number`` is the low-level identifier of the file; ``descriptor`` is one of the file that has no
        lock, and belongs to it from now on."""
        self.path = path
        self.root = root
        self._lock = lock
        self._id = number
        self._writes = writes
        self._number: int = self._id.fileno
        self.places = Places(writes.free)
        self.jobs = ChunkJobs()
        self.entries = set()
        self.shown = ""
        self._why_broken: str | None = None
        self._syncs = Syncs()
        self._descriptor = descriptor
        self._reservation = Reservation(os.fstat(lock.descriptor).st_size, self._id.get_filesize())
        _live[self._number] = self

    @property
    def broken(self) -> str | None:
        """Why the file takes no more, None while it does."""
        return self._why_broken

    def flush(self) -> None:
        """Hand everything to the operating system: readers see it, and a kill does not lose it.

        Raises FileBroken.
        """
        self.check()
        why = failure_of(self._flush)
        if why is not None:
            self.poison(why)
            self.check()
        self.places.flushed()
        self._syncs.flushed()
        compression_threads.rest()

    def sync(self) -> None:
        """Wait until the disk has what was flushed (fsync). Raises FileBroken."""
        self.check()
        carry_out(self.syncs())
        self.check()

    def syncs(self) -> Iterator[Sync]:
        """What brings all to the disk that is flushed now, to be run and settled one after the other. The one
        that is under way is among them: the system tells a failure once, and it may have been told."""
        if (sync := self._syncs.under_way) is not None:
            yield sync
        if (sync := self.begin_sync(0) or self._syncs.under_way) is not None:
            yield sync

    def begin_sync(self, after_s: float) -> Sync | None:
        """The same for another thread. None when there is nothing to do: no flush since the last one, or that
        was less than ``after_s`` ago, or one is under way. The file may be closed meanwhile."""
        if self._why_broken is not None or self.root is None:
            return None
        return self._syncs.begin(after_s, Sync(partial(_synced, self._descriptor), self._end_sync))

    def begin_last_sync(self, wait: Callable[[Iterable[Sync]], None]) -> Sync | None:
        """What brings all to the disk that is flushed now, to be run and settled when the file is closed;
        None when there is nothing to do. ``wait`` carries out the one that is under way."""
        while (sync := self._syncs.under_way) is not None:
            wait([sync])
        return self.begin_sync(0)

    def _end_sync(self, why: str) -> None:
        self._syncs.end()
        if why:
            self.poison(why)
        if self.root is None:
            os.close(self._descriptor)

    def write_at(self, data: Any, address: int) -> None:
        """Bytes of a contiguous buffer to their place in the file, behind HDF5's back. Raises FileBroken."""
        self.check()
        try:
            self._writes.write_at(memoryview(data).cast("B"), address)
        except OSError as error:
            why = cause_text(error)
        else:
            return
        self.poison(why)
        self.check()

    def write_chunk(self, dataset: Any, offset: tuple[int, ...], data: Any, filters_skipped: int = 0) -> int:
        """A chunk as it is, a contiguous buffer, to the place that HDF5 finds for it: its address.

        HDF5 tells that only by going through all chunks (5 ms for 20,000), so what it writes is looked at.
        """
        with self._writes.noted() as written:
            dataset.write_direct_chunk(offset, data, filters_skipped)
        return _place_of_chunk(dataset, offset, written, data.nbytes)

    def new_chunk(self, dataset: Any, offset: tuple[int, ...], nbytes: int, filters_skipped: int = 0) -> int:
        """The address of a chunk of no matter what, that is to be written to. A long one is not written."""
        content = bytearray(nbytes)
        is_long = nbytes >= _UNWRITTEN_NBYTES
        if is_long:  # not to be taken for anything else that HDF5 writes meanwhile
            content[:_MARK_NBYTES] = os.urandom(_MARK_NBYTES)
        with self._writes.noted(left_out=content if is_long else b"") as written:
            dataset.write_direct_chunk(offset, content, filters_skipped)
        return _place_of_chunk(dataset, offset, written, nbytes)

    def read_at(self, nbytes: int, address: int) -> npt.NDArray[np.uint8]:
        """Bytes that :meth:`write_at` wrote, with what HDF5 put around them. Raises FileBroken."""
        data = np.empty(nbytes, np.uint8)
        count, why = 0, "the file was cut short"
        try:
            count = self._writes.read_at(data.data, address)
        except OSError as error:
            why = cause_text(error)
        if count < nbytes:
            self.poison(why)
        self.check()
        return data

    def read_later(self, nbytes: int, address: int) -> Callable[[], npt.NDArray[np.uint8]]:
        """What reads the same in any thread, until the next flush, where nothing is written any more. What it
        returned is valid until that thread reads again. It raises FileFailed. Raises FileBroken."""
        if self._writes.keeps(nbytes, address):
            return partial(_read, self._descriptor, nbytes, address)
        data = self.read_at(nbytes, address)
        return lambda: data

    def check(self) -> None:
        """Raises FileBroken when a write failed before."""
        if self._why_broken is not None:
            raise FileBroken(self.path, self._why_broken)

    def poison(self, why: str) -> None:
        """A write failed: cut the handle off from the file, for good."""
        if self._why_broken is not None:
            return
        self._why_broken = why
        self._writes.discard()
        self.jobs.drop()

    def forget_old_metadata(self) -> None:
        """A scan is complete, and others still write: HDF5 would keep all of its metadata until the end."""
        if self._why_broken is None:
            why = failure_of(partial(metadata_cache.forget_old, self._id))
            if why is not None:
                self.poison(why)

    def close(self) -> None:
        """Flush, give the locks back, close. Raises FileBroken when the flush fails; closed all the same.

        What HDF5 would write to a flushed file changes nothing, but where it gives places back. So others may
        have the file before it has let go of all that it holds in memory (15 ms for 1,000 datasets).
        """
        if not self._id.valid:
            return
        was_broken = self._why_broken is not None
        if not was_broken:
            why = failure_of(self._flush)
            if why is not None:
                self.poison(why)
        if self.places.is_empty:
            self._writes.leave(self._descriptor)
            self._lock.release()
            if failure_of(self._close_hdf5) is not None:
                failure_of(self._close_hdf5)
        else:
            self._close_first()
        _live.pop(self._number, None)
        self.root = None
        if self._syncs.under_way is None:
            os.close(self._descriptor)
        self._lock.release()
        if not was_broken:
            self.check()

    def _close_first(self) -> None:
        unused = self.places.give_all_back()
        why = failure_of(self._close_hdf5) or failure_of(self._writes.commit)
        if why is not None and self._why_broken is None:
            self.poison(why)
            failure_of(self._close_hdf5)
        if self._why_broken is None:
            punch_holes(self._descriptor, unused)

    def _close_hdf5(self) -> None:
        close_file(self._id)

    def _flush(self) -> None:
        self.jobs.settle()
        h5py.h5f.flush(self._id)
        self._reservation.extend(self._descriptor, self._id.get_filesize())
        self._writes.commit()


def _read(descriptor: int, nbytes: int, address: int) -> npt.NDArray[np.uint8]:
    """The descriptor may be another file's by then: when nobody wants what is read."""
    data = _read_buffers.buffer(nbytes)
    with file_failed():
        count = os.preadv(descriptor, [data.data], address)
    if count < nbytes:
        raise FileFailed(None, "the file was cut short")
    return data


def _place_of_chunk(
    dataset: Any, offset: tuple[int, ...], written: list[tuple[int, int]], nbytes: int
) -> int:
    places = [address for address, length in written if length == nbytes]
    return places[0] if len(places) == 1 else int(dataset.get_chunk_info_by_coord(offset).byte_offset)


def live_file_of(item: Any) -> LiveFile | None:
    """The live file that an h5py object belongs to, None when it is of another file."""
    if isinstance(item, CopiedGroup):
        file: LiveFile | None = item.live_file
        return file if file is not None and file.root is not None else None
    try:
        return _live.get(item.id.fileno)
    except (AttributeError, ValueError, RuntimeError, OSError):
        return None


@atexit.register
def _close_all() -> None:
    """HDF5 itself closes files only when there is no Python any more that could write them. In a forked
    process nothing is written: the files are those of its parent."""
    for file in list(_live.values()):
        if os.getpid() != _process:
            file.poison("it belongs to another process")
        with contextlib.suppress(FileBroken):
            file.close()


def _synced(descriptor: int) -> str:
    """Why it could not be; "" when the disk has everything."""
    return failure_of(partial(os.fsync, descriptor)) or ""
