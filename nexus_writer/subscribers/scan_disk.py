"""The disk that a scan is written to, which is known when its file is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from .disk import PERMISSION_WITHIN_S, DiskSpace, may_write
from .options import WriterOptions
from .question import Question


class ScanDisk:
    """Any thread may ask it. ``filename`` tells the scan's file, None where it is not known."""

    __slots__ = ("_filename", "_options", "_permission", "_space")

    def __init__(self, filename: Callable[[], Path | None], options: WriterOptions) -> None:
        self._filename = filename
        self._options = options
        self._space: DiskSpace | None = None
        self._permission: Question[bool] | None = None

    def has_permission(self) -> bool:
        """May this process write the file, or create it? Yes, where the disk does not answer."""
        if self._permission is None and (path := self._filename()) is not None:
            self._permission = Question(partial(may_write, path))
        return self._permission is not None and self._permission.answer(PERMISSION_WITHIN_S) is not False

    def space(self) -> DiskSpace | None:
        """That of the file's directory, with the limits of the options; None without a file."""
        if self._space is None and (path := self._filename()) is not None:
            self._space = DiskSpace(
                path.parent, self._options.required_disk_space, self._options.recommended_disk_space
            )
        return self._space


class OnDisk:
    """A scan whose clients ask for its disk, as this host sees it, whoever writes the scan."""

    __slots__ = ()
    _disk: ScanDisk

    def has_write_permission(self) -> bool:
        """May this process write the scan's file, or create it? Yes, where the disk does not answer."""
        return self._disk.has_permission()

    def disk_space_error(self) -> str:
        """Empty when there is space to write."""
        space = self._disk.space()
        return space.error() if space else ""

    def disk_space_warning(self) -> str:
        """Empty when there is as much space as recommended."""
        space = self._disk.space()
        return space.warning() if space else ""

    def free_disk_space_mb(self) -> float | None:
        """Free space of the file's directory, MB."""
        space = self._disk.space()
        return space.free_mb() if space else None
