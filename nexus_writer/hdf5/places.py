"""Places in a file that HDF5 would give away too early.

HDF5 frees the place of a chunk that moves and lets the next write overwrite it, while the file's index, until
the next flush, still leads there: after a kill or on a full disk, points are lost that were safe (seen on a
4 MB disk). So such a place is occupied by a dataset without a name, which nobody can see, until a flush has
succeeded. A reader that keeps the file open has its own, older index: it must open the file again to follow
chunks that moved.
"""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from typing import Any

from ._library import h5py

KEEP_SIZE, _PUNCH_HOLE = 1, 2
_ATTEMPTS = 8
_STOPPER_NBYTES = 2048
_NODE_NBYTES = 2048
"""Of a node of the index of a dataset's chunks: no fewer."""

_OCCUPANT = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
_OCCUPANT.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
_OCCUPANT.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
_OCCUPANT.set_obj_track_times(False)


class Places:
    """The occupied places of one file. Those from before the last flush may be used again, by size.

    ``free`` is told the address and the bytes of each before HDF5 may use it.
    """

    def __init__(self, free: Callable[[int, int], None] = lambda address, nbytes: None) -> None:
        self._free = free
        self._fresh: list[tuple[int, Any]] = []
        self._flushed: list[tuple[int, Any]] = []
        self._stoppers: list[Any] = []
        self._end = 0

    def __len__(self) -> int:
        return len(self._fresh) + len(self._flushed)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is occupied: closing the file gives nothing back."""
        return not (self._fresh or self._flushed or self._stoppers)

    def keep_from_end(self, item: Any, nbytes: int) -> None:
        """Before places of ``nbytes`` are freed: have something behind everything, the nodes of indexes that
        get empty with them too. What is freed at its end, a file shrinks by, and the next bytes, of any kind,
        would go there, over what the file's index still leads to.

        ``item`` is any object of the file, here and below.
        """
        file = h5py.h5i.get_file_id(item)
        smallest = min(nbytes, _NODE_NBYTES)
        for _ in range(_ATTEMPTS):
            if file.get_filesize() - self._end < smallest:
                return
            stopper = _new_occupant(item, _STOPPER_NBYTES)
            self._stoppers.append(stopper)
            self._end = max(self._end, stopper.get_offset() + _STOPPER_NBYTES)

    def occupy(self, item: Any, addresses: list[int], nbytes: int) -> bool:
        """Occupy freed places of ``nbytes`` each.

        HDF5 says where a new dataset lies only when it is there: other free places of that size are occupied
        on the way. False when a place could not be had: flush soon.
        """
        wanted = [(address, address + nbytes) for address in addresses]
        for _ in range(len(wanted) + _ATTEMPTS):
            if not wanted:
                return True
            size = min(nbytes, wanted[0][1] - wanted[0][0])
            occupant = _new_occupant(item, size)
            self._fresh.append((size, occupant))
            start = occupant.get_offset()
            wanted = [rest for place in wanted for rest in _without(place, start, start + size)]
        return not wanted

    def flushed(self) -> None:
        """The file's index leads to none of the places any more. One stopper is left, behind everything that
        was there: each takes 10 kB of memory."""
        self._flushed += self._fresh
        self._fresh.clear()
        del self._stoppers[:-1]

    def give_back(self, nbytes: int, count: int) -> None:
        """Let HDF5 use up to ``count`` places of that size again."""
        kept: list[tuple[int, Any]] = []
        for size, occupant in self._flushed:
            if size == nbytes and count > 0:
                count -= 1
                self._free(int(occupant.get_offset()), size)
            else:
                kept.append((size, occupant))
        self._flushed = kept

    def give_all_back(self) -> list[tuple[int, int]]:
        """After the last flush, before the file is closed. The (address, bytes) that are nobody's then."""
        unused = [(int(occupant.get_offset()), size) for size, occupant in self._fresh + self._flushed]
        self._fresh.clear()
        self._flushed.clear()
        self._stoppers.clear()
        return unused


def punch_holes(descriptor: int, places: list[tuple[int, int]]) -> None:
    """Give the blocks of unused (address, bytes) of a file back to the disk, where it can: the file stays as
    long as it is, and takes less space."""
    for address, nbytes in places:
        if fallocate(descriptor, _PUNCH_HOLE | KEEP_SIZE, address, nbytes):
            return


def fallocate(descriptor: int, mode: int, offset: int, nbytes: int) -> int:
    """The system call of that name; 0 or an errno."""
    if _fallocate is None:
        return errno.ENOSYS
    return ctypes.get_errno() if _fallocate(descriptor, mode, offset, nbytes) else 0


def _find_fallocate() -> Any:
    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate
    except (OSError, AttributeError):
        return None
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    return function


_fallocate = _find_fallocate()


def _new_occupant(item: Any, nbytes: int) -> Any:
    space = h5py.h5s.create_simple((nbytes,))
    return h5py.h5d.create(item, None, h5py.h5t.STD_U8LE, space, _OCCUPANT)


def _without(place: tuple[int, int], start: int, stop: int) -> list[tuple[int, int]]:
    rests = [(place[0], min(place[1], start)), (max(place[0], stop), place[1])]
    return [(low, high) for low, high in rests if low < high]
