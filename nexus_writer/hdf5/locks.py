"""The two locks of a file that we write.

* A *shared* flock: readers, who take a shared lock too, come and go; a foreign writer, who asks for an
  exclusive one, is refused, and one that was there first makes us fail at once.
* An *exclusive* open-file-description lock on one byte far behind the end of any file: only our own writers
  look at it, and it keeps two of them apart. A shared lock alone does not: two writers that each held one
  damaged 4 of 5 files.

Both are taken before HDF5 opens the file (without a lock of its own), live on one descriptor, and go with it,
however the process ends. A forked child that keeps the descriptor keeps the locks.
On NFS both become locks on byte ranges, and readers must set HDF5_USE_FILE_LOCKING=FALSE.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import struct
from pathlib import Path

from .errors import FileLocked, FileNotWritable

logger = logging.getLogger(__name__)

OWN_WRITERS_BYTE = 2**62

_REFUSED = {errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK}
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_STRUCT_FLOCK = struct.Struct("hhqqi4x")

_warned_devices: set[int] = set()


class WriterLock:
    """Held from its making to :meth:`release`. Raises FileLocked, FileNotWritable; the file must exist."""

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            why = error.strerror
        else:
            why = None
        if why is not None:
            raise FileNotWritable(path, why)
        self._path = path
        self.is_held = True
        """Whether it keeps other writers of ours out: not where the file system has no such locks."""
        try:
            self._take()
        except BaseException:
            os.close(self._descriptor)
            raise

    @property
    def descriptor(self) -> int:
        """A descriptor of the file, open for reading and writing."""
        return self._descriptor

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _take(self) -> None:
        own = _STRUCT_FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, OWN_WRITERS_BYTE, 1, 0)
        for is_ours, take in (
            (False, lambda: fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)),
            (True, lambda: fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, own)),
        ):
            try:
                take()
            except OSError as error:
                number = error.errno
            else:
                continue
            if number in _REFUSED:
                raise FileLocked(self._path, holder_of(self._descriptor), is_ours=is_ours)
            if number not in _UNSUPPORTED:
                raise FileNotWritable(self._path, os.strerror(number or 0))
            self.is_held &= not is_ours
            self._warn_once()

    def _warn_once(self) -> None:
        _warn_once(self._descriptor, self._path)


def _warn_once(descriptor: int, path: Path) -> None:
    device = os.fstat(descriptor).st_dev
    if device not in _warned_devices:
        _warned_devices.add(device)
        logger.warning(
            "the file system of %s has no file locks: nothing keeps two writers out of one file there", path
        )


def warn_without_locks(path: Path) -> bool:
    """Whether our writers can be kept apart in a file; said once where not. Only asks. Raises OSError."""
    asked = _STRUCT_FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, OWN_WRITERS_BYTE, 1, 0)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        _warn_once(descriptor, path)
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def holder_of(descriptor: int) -> str | None:
    """The process of this host that locks the file of ``descriptor``, by name and pid; None if none is found.

    Looks at the descriptors of every process that we may look at: about 10 ms for some hundred of them.
    """
    status = os.fstat(descriptor)
    holders: list[str] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _locks(process, (status.st_dev, status.st_ino), descriptor):
            holders.append(_describe(process))
    return ", ".join(holders) or None


def holder_of_path(path: Path) -> str | None:
    """The process of this host that has the file open for writing. Only looks; takes no lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return holder_of(descriptor)
    finally:
        os.close(descriptor)


def _locks(process: Path, file: tuple[int, int], own_descriptor: int) -> bool:
    own = process.name == str(os.getpid())
    try:
        for link in (process / "fd").iterdir():
            if own and link.name == str(own_descriptor):
                continue
            try:
                status = link.stat()
                if (status.st_dev, status.st_ino) == file and _excludes_us(process / "fdinfo" / link.name):
                    return True
            except OSError:
                continue
    except OSError:
        pass
    return False


def _excludes_us(fdinfo: Path) -> bool:
    """True when that descriptor holds an exclusive lock: a foreign writer's flock or one of our writers'."""
    lines = fdinfo.read_text().splitlines()
    return any(line.startswith("lock:") and " WRITE " in line for line in lines)


def _describe(process: Path) -> str:
    """Name and pid, with the script of an interpreter; no other argument, some hold secrets."""
    if process.name == str(os.getpid()):
        return f"this process (pid {process.name})"
    try:
        name = (process / "comm").read_text().strip()
        arguments = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return f"pid {process.name}"
    if name.startswith("python") and len(arguments) > 1 and not arguments[1].startswith(b"-"):
        name = f"{name} {Path(os.fsdecode(arguments[1])).name}"
    return f"{name} (pid {process.name})"
