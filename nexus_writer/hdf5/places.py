"""Places in a file that HDF5 would give away too early.

HDF5 frees the place of a chunk that moves and lets the next write overwrite it, while the file's index, until
the next flush, still leads there: after a kill or on a full disk, points are lost that were safe (seen on a
4 MB disk). So such a place is occupied by a dataset without a name, which nobody can see, until a flush has
succeeded.
"""

from __future__ import annotations

from typing import Any

from ._library import h5py

_ATTEMPTS = 64

_OCCUPANT = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
_OCCUPANT.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
_OCCUPANT.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
_OCCUPANT.set_obj_track_times(False)


class Places:
    """The occupied places of one file. Those from before the last flush may be used again, by size."""

    def __init__(self) -> None:
        self._fresh: list[tuple[int, Any]] = []
        self._flushed: list[tuple[int, Any]] = []

    def __len__(self) -> int:
        return len(self._fresh) + len(self._flushed)

    def occupy(self, item: Any, addresses: list[int], nbytes: int) -> bool:
        """Occupy freed places of ``nbytes`` each; ``item`` is any object of the file.

        HDF5 says where a new dataset lies only when it is there: other free places of that size are occupied
        on the way. False when a place could not be had: flush soon.
        """
        space = h5py.h5s.create_simple((nbytes,))
        wanted = [(address, address + nbytes) for address in addresses]
        for _ in range(len(wanted) + _ATTEMPTS):
            if not wanted:
                return True
            occupant = h5py.h5d.create(item, None, h5py.h5t.STD_U8LE, space, _OCCUPANT)
            self._fresh.append((nbytes, occupant))
            start = occupant.get_offset()
            wanted = [rest for place in wanted for rest in _without(place, start, start + nbytes)]
        return not wanted

    def flushed(self) -> None:
        """The file's index leads to none of the places any more."""
        self._flushed += self._fresh
        self._fresh.clear()

    def give_back(self, nbytes: int, count: int) -> None:
        """Let HDF5 use up to ``count`` places of that size again."""
        kept: list[tuple[int, Any]] = []
        for size, occupant in self._flushed:
            if size == nbytes and count > 0:
                count -= 1
            else:
                kept.append((size, occupant))
        self._flushed = kept

    def give_all_back(self) -> None:
        """Before the file is closed, after its last flush."""
        self._fresh.clear()
        self._flushed.clear()


def _without(place: tuple[int, int], start: int, stop: int) -> list[tuple[int, int]]:
    rests = [(place[0], min(place[1], start)), (max(place[0], stop), place[1])]
    return [(low, high) for low, high in rests if low < high]
