"""What can go wrong with a file: each error is one line that says what to do about it.

None of them holds an h5py object, nor a traceback through one: they may travel to any thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

_NUMBERS = {os.strerror(number): number for number in errno.errorcode}


class Hdf5Error(Exception):
    """Base of everything that ``nexus_writer.hdf5`` raises on purpose."""


class FileLocked(Hdf5Error):
    """Another process has the file open for writing; ``holder`` names it when it runs on this host.
    ``is_ours`` where it is another writer of this program."""

    def __init__(self, path: str | os.PathLike[str], holder: str | None, *, is_ours: bool = False) -> None:
        super().__init__(
            f"{os.fspath(path)} is open for writing in {holder or 'a process on another host'}: "
            "close it there"
        )
        self.path = os.fspath(path)
        self.holder = holder
        self.is_ours = is_ours


class FileNotLockable(FileLocked):
    """A lock was wanted, and the file system has none: nobody can tell whether the file is being written."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path, None)
        self.args = (
            f"{os.fspath(path)} cannot be locked, so its last writer may still have it: use a file system "
            "with locks",
        )


class FileNotWritable(Hdf5Error):
    """The file cannot be made or opened: permissions, a missing mount, a damaged file.

    ``number`` is the errno of what the operating system refused, None where it refused nothing.
    """

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        super().__init__(
            f"{os.fspath(path)} cannot be opened for writing ({why}): check the directory, its owner and its "
            "permissions, or save elsewhere"
        )
        self.path = os.fspath(path)
        self.why = why
        self.number = _NUMBERS.get(why)


class FileDamaged(FileNotWritable):
    """HDF5 cannot make sense of the file, or refuses to open it for writing; it was left as it is."""

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        Hdf5Error.__init__(
            self,
            f"HDF5 does not open {os.fspath(path)} for writing ({why}), it was not touched: move it away, or "
            "save elsewhere",
        )
        self.path = os.fspath(path)
        self.why = why
        self.number = _NUMBERS.get(why)


class ItemDamaged(Hdf5Error):
    """Something in a file is there and cannot be read."""

    def __init__(self, path: str | os.PathLike[str], name: str, why: str) -> None:
        super().__init__(
            f"{name} of {os.fspath(path)} cannot be read ({why}): nexus-writer doctor {os.fspath(path)} says "
            "what to do"
        )
        self.path = os.fspath(path)
        self.name = name
        self.why = why


class NotHdf5(Hdf5Error):
    """Something that is no HDF5 file has the name; it was left as it is."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(
            f"{os.fspath(path)} exists and is no HDF5 file, it was not touched: move it away, or save "
            "elsewhere"
        )
        self.path = os.fspath(path)


class EntryExists(Hdf5Error):
    """The file has an item of that name; it was left as it is."""

    def __init__(self, path: str | os.PathLike[str], name: str) -> None:
        super().__init__(
            f"{os.fspath(path)} has {name} already, it was not touched: save under another name or in "
            "another file"
        )
        self.path = os.fspath(path)
        self.name = name


class FileFailed(OSError):
    """The operating system did not read or write a file; stays within the package."""


class FileBroken(Hdf5Error):
    """A write to the file failed, and nothing is written through this handle any more.

    What an earlier successful flush put into the file stays there. ``number`` is the errno of the failure,
    None where HDF5 does not tell it.
    """

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        self.number = _NUMBERS.get(why)
        name = "" if self.number is None else f", {errno.errorcode[self.number]}"
        super().__init__(
            f"writing to {os.fspath(path)} failed ({why}{name}), nothing more is written there: mend the "
            "cause, then let the scan be resumed from Redis"
        )
        self.path = os.fspath(path)
        self.why = why


class PointsRefused(Hdf5Error):
    """Points do not fit the dataset of their channel; the dataset keeps what it has."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"points of {path} do not fit it ({why}): correct what the channel declares of itself"
        )
        self.path = path
        self.why = why


class NotStorable(Hdf5Error):
    """A value that has no place in HDF5; nothing was written."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} cannot be stored ({why}): publish it as numbers, text, or lists of either")
        self.path = path
        self.why = why


class UnknownCompression(Hdf5Error):
    """The compression scheme asked for does not exist."""

    def __init__(self, scheme: str, known: Iterable[str]) -> None:
        super().__init__(f"there is no compression scheme {scheme!r}: use one of {', '.join(known)}")
        self.scheme = scheme


class Unreadable(Hdf5Error):
    """The file stays unreadable, also when no write is under way."""

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        super().__init__(
            f"{os.fspath(path)} cannot be read ({why}): nexus-writer doctor {os.fspath(path)} says what to do"
        )
        self.path = os.fspath(path)
        self.why = why
