"""Free space where a scan is written."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import gevent

MB = 2**20
ANSWER_WITHIN_S = 0.1


def existing_parent(path: Path) -> Path:
    """``path``, or the closest of its parents that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def free_megabytes(path: Path) -> float:
    """What an ordinary user may still write in the file system of ``path``, in MB of 2^20 bytes."""
    status = os.statvfs(existing_parent(path))
    return status.f_bavail * status.f_frsize / MB


class DiskSpace:
    """Free space of one directory, with the two limits of the writer.

    A network file system may take seconds to answer, and a Tango client has a time-out: the question is
    asked in a thread of its own, and where no answer comes within 0.1 s, the last one holds.
    """

    def __init__(self, directory: Path, required_mb: float, recommended_mb: float) -> None:
        self.directory = directory
        self.required_mb = required_mb
        self.recommended_mb = recommended_mb
        self._last_mb: float | None = None

    def free_mb(self) -> float | None:
        """Free space in MB, None when it was never known. Call from a greenlet."""
        question = gevent.get_hub().threadpool.spawn(free_megabytes, self.directory)
        with contextlib.suppress(gevent.Timeout, OSError):
            self._last_mb = question.get(timeout=ANSWER_WITHIN_S)
        return self._last_mb

    def error(self) -> str:
        """Empty when there is enough space to write, else what is wrong."""
        return self._below(self.required_mb)

    def warning(self) -> str:
        """Empty when there is as much space as recommended, else what is wrong."""
        return self._below(self.recommended_mb)

    def _below(self, limit_mb: float) -> str:
        free_mb = self.free_mb()
        if limit_mb <= 0 or free_mb is None or free_mb >= limit_mb:
            return ""
        return f"Free disk space below {limit_mb:g} MB"
