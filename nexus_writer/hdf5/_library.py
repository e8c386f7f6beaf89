"""The HDF5 library as this package wants it: imported once, without its own file locks.

HDF5 reads ``HDF5_USE_FILE_LOCKING`` when it is loaded, and the variable outranks what a program says at
each open: TRUE or BEST_EFFORT would make our own looks into files take locks. So it is hidden from the
library while that is loaded. Files that we write are locked by us, and written through a driver that has no
locks: there it does not matter when somebody else loaded the library first.
"""

from __future__ import annotations

import os
from typing import Any

_VARIABLE = "HDF5_USE_FILE_LOCKING"
_hidden = os.environ.pop(_VARIABLE, None)
import h5py  # noqa: E402

if _hidden is not None:
    os.environ[_VARIABLE] = _hidden

__all__ = ["LIBVER", "access_properties", "h5py"]

LIBVER = ("v108", "v110")
"""Superblock 2 has no consistency flag: files open while they grow, and after a kill.
v110 is for virtual datasets."""


def access_properties() -> Any:
    """How a file is opened for writing: no lock by HDF5, no raw data cached."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_V18, h5py.h5f.LIBVER_V110)
    access.set_cache(0, 521, 0, 0.75)
    access.set_sieve_buf_size(0)
    return access
