"""Free space where a scan is written, and whether a write succeeds there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .question import Question

MB = 2**20
ANSWER_WITHIN_S = 0.1
PERMISSION_WITHIN_S = 0.5
TRIED_NBYTES = 64 * 1024


def existing_parent(path: Path) -> Path:
    """``path``, or the closest of its parents that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free_megabytes(path: Path) -> float:
    """What an ordinary user may still write in the file system of ``path``, in MB of 2^20 bytes."""
    status = os.statvfs(existing_parent(path))
    return status.f_bavail * status.f_frsize / MB


def may_write(path: Path) -> bool:
    """May this process write the file, or make it?"""
    return os.access(existing_parent(path), os.W_OK)


def refusal(directory: Path) -> str:
    """Why a write fails there, "" when it succeeds: what free space does not tell, a quota for one."""
    try:
        with tempfile.TemporaryFile(dir=existing_parent(directory), buffering=0) as file:
            file.write(bytes(TRIED_NBYTES))
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


class DiskSpace:
    """Free space of one directory, with the two limits of the writer.

    A network file system may take seconds to answer, or never do, and a Tango client has a time-out: where no
    answer comes within 0.1 s, the last one holds.
    """

    __slots__ = ("_free_mb", "_refusal", "directory", "recommended_mb", "required_mb")

    def __init__(self, directory: Path, required_mb: float, recommended_mb: float) -> None:
        self.directory = directory
        self.required_mb = required_mb
        self.recommended_mb = recommended_mb
        self._free_mb = Question(lambda: free_megabytes(directory))
        self._refusal = Question(lambda: refusal(directory))

    def free_mb(self) -> float | None:
        """Free space in MB, None when it was never known."""
        return self._free_mb.answer(ANSWER_WITHIN_S)

    def error(self) -> str:
        """Empty when there is enough space to write, else what is wrong."""
        return self._below(self.required_mb)

    def warning(self) -> str:
        """Empty when there is as much space as recommended, else what is wrong."""
        return self._below(self.recommended_mb)

    def lacks(self, needed_mb: float) -> str:
        """After a write that failed: empty when there is space for the next try, and the disk answers."""
        if why := self._below(max(self.required_mb, needed_mb)):
            return why
        self._refusal.answer(ANSWER_WITHIN_S)
        return "The disk does not answer" if self._refusal.waits_s() else ""

    def refusal(self) -> str:
        """What the disk said to the last write that was tried, behind :meth:`lacks`; "" when it took it."""
        return self._refusal.last or ""

    def _below(self, limit_mb: float) -> str:
        free_mb = self.free_mb()
        if limit_mb <= 0 or free_mb is None or free_mb >= limit_mb:
            return ""
        return f"Free disk space below {limit_mb:.4g} MB"
