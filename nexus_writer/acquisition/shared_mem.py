"""Memory that unrelated processes share, by the name of a file in memory.

The creator holds a lock on the file (flock) for as long as it lives, and the kernel lets go of it however the
creator ends. So whoever finds a file without a lock removes it: the next creator, or a reader that closes.
A file gets its name only after it has its lock: nobody ever finds one that is still being made.

Arrays hold the memory. A close takes away the name at once; the memory goes with the last array.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .dtypes import described, make_dtype
from .errors import BufferClosed

__all__ = ["SharedArray", "SharedMem"]

FOLDER = Path("/dev/shm")
PREFIX = "nexus_acquisition_"


class SharedMem:
    """``nbytes`` of shared memory: made anew, or with ``shm_id`` an existing one, which can only be read."""

    nbytes: int
    shm_id: str

    def __init__(self, nbytes: int, shm_id: str | None = None) -> None:
        if nbytes < 1:
            raise ValueError(f"shared memory of {nbytes} bytes: ask for one byte or more")
        self.nbytes = int(nbytes)
        self.writable = shm_id is None
        self._lock_fd = -1
        self._pid = os.getpid()
        if shm_id is None:
            _remove_left_behind()
            self.shm_id, self._lock_fd = _create(self.nbytes)
            self._map: mmap.mmap | None = mmap.mmap(self._lock_fd, self.nbytes)
        else:
            self.shm_id = shm_id
            self._map = _open(_path(shm_id), self.nbytes)

    def to_dict(self) -> dict[str, Any]:
        """What another process gives as keywords to open the same memory; goes through JSON."""
        return {"nbytes": self.nbytes, "shm_id": self.shm_id}

    def to_numpy(
        self, offset: int, dtype: Any, shape: tuple[int, ...], strides: tuple[int, ...] | None = None
    ) -> NDArray[Any]:
        """An array on the memory, ``offset`` bytes from its start; ``strides`` in bytes."""
        if self._map is None:
            raise BufferClosed(self.shm_id)
        return np.ndarray(shape, dtype, self._map, offset, strides)

    def unlink(self) -> None:
        """Take away the name: nobody can open the memory any more, who has it open keeps it."""
        _path(self.shm_id).unlink(missing_ok=True)

    def close(self) -> None:
        """Take away the name, if this is the creator or the creator is dead. A second close does nothing."""
        if self._map is None:
            return
        # Never closed by hand: arrays hold the map without its knowledge, and would point nowhere.
        self._map = None
        if self._lock_fd < 0:
            _remove_if_left(_path(self.shm_id))
            return
        if self._pid == os.getpid():  # a fork of the creator must not take it away
            self.unlink()
        os.close(self._lock_fd)

    def __del__(self) -> None:
        if hasattr(self, "_map"):
            self.close()


class SharedArray:
    """An array in shared memory of its own; with ``shm_id`` an existing one, which can only be read."""

    def __init__(
        self, shape: tuple[int, ...] = (1,), dtype: Any = "float64", shm_id: str | None = None
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = make_dtype(dtype)
        self.shmem = SharedMem(math.prod(self.shape) * self.dtype.itemsize, shm_id)

    def to_dict(self) -> dict[str, Any]:
        """What another process gives as keywords to open the same array."""
        return {"shape": list(self.shape), "dtype": described(self.dtype), "shm_id": self.shmem.shm_id}

    def to_numpy(self) -> NDArray[Any]:
        return self.shmem.to_numpy(0, self.dtype, self.shape)

    def close(self) -> None:
        self.shmem.close()


def _path(shm_id: str) -> Path:
    if not shm_id.startswith(PREFIX) or "/" in shm_id:
        raise ValueError(f"{shm_id!r} is no shared memory of ours: give the shm_id of a SharedMem")
    return FOLDER / shm_id


def _create(nbytes: int) -> tuple[str, int]:
    """The name of a new file, which tells whose it is, and the descriptor that holds its lock."""
    name = f"{PREFIX}{os.getpid()}_{secrets.token_hex(8)}"
    fd = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    folder = os.open(FOLDER, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fallocate(fd, 0, nbytes)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder, follow_symlinks=True)
    except BaseException:
        os.close(fd)
        raise
    finally:
        os.close(folder)
    return name, fd


def _open(path: Path, nbytes: int) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < nbytes:
                raise ValueError(f"the shared memory {path.name} has less than {nbytes} bytes")
            return mmap.mmap(file.fileno(), nbytes, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"the shared memory {path.name} is gone: its creator has closed it or is dead"
        ) from None


def _remove_left_behind() -> None:
    for path in FOLDER.glob(PREFIX + "*"):
        _remove_if_left(path)


def _remove_if_left(path: Path) -> None:
    """Remove the file if nobody holds its lock any more."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # gone, or another user's
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except OSError:
        return
    finally:
        os.close(fd)
