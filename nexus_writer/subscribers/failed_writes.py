"""Which failed writes may succeed later.

* No space (ENOSPC, EDQUOT) passes when somebody makes some: it is waited for.
* A file system that became read-only (EROFS), a file that is too large for it (EFBIG), a permission that is
  missing (EACCES, EPERM) stay as they are: nothing more of the scan can be saved there.
* Anything else (EIO, ESTALE, ETIMEDOUT: a server that went away, a cable, a dying disk) may pass or not:
  it is tried again for ``GIVE_UP_AFTER_S``, at least twice, and then it is final.
"""

from __future__ import annotations

import errno

from nexus_writer.hdf5 import FileBroken, FileNotWritable

PASSES = frozenset({errno.ENOSPC, errno.EDQUOT})
STAYS = frozenset({errno.EROFS, errno.EFBIG, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR})
GIVE_UP_AFTER_S = 5.0
LEAST_IN_A_ROW = 3


class FailedWrites:
    """The failures of one scan. ``flushed_at`` tells whether anything succeeded between two of them."""

    def __init__(self) -> None:
        self._flushed_at: float | None = None
        self._in_a_row = 0
        self._since_s = 0.0

    def is_final(self, error: FileBroken | FileNotWritable, flushed_at: float | None, now_s: float) -> bool:
        """Whether it makes no sense to try again after this one, the latest."""
        if error.number in PASSES:
            return False
        if error.number in STAYS or (error.number is None and isinstance(error, FileNotWritable)):
            return True
        if flushed_at != self._flushed_at or not self._in_a_row:
            self._flushed_at, self._in_a_row, self._since_s = flushed_at, 0, now_s
        self._in_a_row += 1
        return self._in_a_row >= LEAST_IN_A_ROW and now_s - self._since_s >= GIVE_UP_AFTER_S
