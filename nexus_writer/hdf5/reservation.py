"""Space for a flush, taken before it begins.

A flush that fails half-way has written some of its metadata and not the rest: a group may name an object that
is not there (seen on a full tmpfs, in 1 of 4 runs: an entry that cannot be opened). So the space is taken
first, by ``fallocate``, up to the end of what HDF5 has given away; where that fails nothing of the flush has
reached the file. The size of the file stays as it is. A file system without ``fallocate`` (NFS before 4.2,
some of FUSE) goes without.
"""

from __future__ import annotations

import errno
import os

from .places import KEEP_SIZE, fallocate

_UNSUPPORTED = {errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class Reservation:
    """How far the space of one file is taken: the ``size`` that it has.

    HDF5 may have given away more, up to ``end``, in a file that nothing is written to.
    """

    def __init__(self, size: int, end: int) -> None:
        self._taken = size
        self._end = end

    def extend(self, descriptor: int, end: int) -> None:
        """Take the space up to ``end``. Raises OSError when there is none."""
        if end <= self._end:
            return
        number = fallocate(descriptor, KEEP_SIZE, self._taken, end - self._taken)
        if number and number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number))
        self._taken = self._end = end
