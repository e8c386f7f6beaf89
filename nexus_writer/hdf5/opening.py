"""Opening a file that exists for writing: only when it is HDF5 and its lock is ours.

What is opened is the file that is locked, also when another one has its name meanwhile.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from . import metadata_cache
from ._library import access_properties, h5py
from .causes import cause_text
from .errors import FileDamaged, FileNotLockable, FileNotWritable, NotHdf5
from .file_start import has_signature
from .live_file import LiveFile
from .locks import WriterLock
from .staged_writes import StagedWrites
from .superblock import end_where_it_ends


def open_live_file(path: Path, *, locked: bool = False) -> LiveFile:
    """Lock and open an existing HDF5 file; where it has to be ``locked``, not on a file system without locks.

    Raises FileLocked, FileNotLockable, NotHdf5, FileNotWritable, FileDamaged. What the disk refuses is no
    damage.
    """
    lock = WriterLock(path)
    try:
        if locked and not lock.is_held:
            raise FileNotLockable(path)
        return _open_locked(path, lock)
    except OSError as error:
        lock.release()
        why = cause_text(error)
    except BaseException:
        lock.release()
        raise
    raise FileNotWritable(path, why)


def _open_locked(path: Path, lock: WriterLock) -> LiveFile:
    if not has_signature(lock.descriptor):
        raise NotHdf5(path)
    end_where_it_ends(lock.descriptor)
    # the file that is locked, whatever has its name now; without its locks, which an fsync would keep
    descriptor = os.open(f"/proc/self/fd/{lock.descriptor}", os.O_RDWR | os.O_CLOEXEC)
    try:
        writes = StagedWrites(lock.descriptor)
        opened, why = _open(path, writes)
        if opened is None:
            damaged = FileDamaged(path, why)
            raise damaged if damaged.number is None else FileNotWritable(path, why)
        return LiveFile(path, lock, *opened, writes, descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _open(path: Path, writes: StagedWrites) -> tuple[tuple[Any, Any] | None, str]:
    """The file's identifier and its root; or None, and why it does not open."""
    properties = access_properties()
    metadata_cache.make_room(properties)
    properties.set_fileobj_driver(h5py.h5fd.fileobj_driver, writes)
    try:
        number = h5py.h5f.open(os.fsencode(path), h5py.h5f.ACC_RDWR, properties)
        writes.opened()
        root = h5py.Group(h5py.h5g.open(number, b"/"))
        len(root)
        return (number, root), ""
    except Exception as error:
        why = cause_text(error)
    finally:
        properties.close()
    return None, why
