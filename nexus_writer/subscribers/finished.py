"""A scan that has ended: what clients may still ask of it, without anything that has written it.

Thousands may be known, so one is small: 2 kB. Whoever wrote it, and with that its queue, events, connection
and greenlets, is gone.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from .options import WriterOptions
from .scan_disk import ScanDisk
from .state import SubscriberState
from .status import ScanStatus
from .told_scan import ToldScan


class FinishedScan(ToldScan):
    """Answers as who wrote it did when it was done; only its validation and the end of a silence change it.

    Belongs to the thread of the session; its status is frozen.
    """

    __slots__ = ("_asked_disk", "_filename", "_options", "_status", "ended_s", "silent")
    ended_s: float
    """When this process found that it is done with, by the clock of the process: ``time.monotonic``."""
    silent: bool
    """It was given up for its silence, and is listened to: when it speaks it is gone on with."""

    def __init__(
        self,
        status: ScanStatus,
        filename: Path | None,
        options: WriterOptions,
        *,
        silent: bool = False,
    ) -> None:
        """``filename`` is the file as this host sees it, None when the scan has none."""
        self.ended_s = time.monotonic()
        self.silent = silent
        self._status = status
        self._filename = None if filename is None else str(filename)
        self._options = options
        self._asked_disk: ScanDisk | None = None

    @property
    def key(self) -> str:
        return self._status.key

    @property
    def name(self) -> str:
        return self._status.name

    @property
    def failed(self) -> bool:
        """Not everything of it could be saved."""
        return self.state is SubscriberState.FAULT

    @property
    def filename(self) -> Path | None:
        """As this host sees it."""
        return None if self._filename is None else Path(self._filename)

    def done(self) -> bool:
        """Nothing more will be written of it, unless a silent scan speaks."""
        return True

    def stop(self, wait: bool = False, timeout: float | None = None) -> None:
        """There is nothing to stop."""

    def kill(self, wait: bool = False, timeout: float | None = None) -> None:
        """There is nothing to kill."""

    def validated(self, findings: str) -> None:
        """What the validation of its entries found, in one line."""
        self._status = replace(self._status, validation=findings)

    @property
    def _disk(self) -> ScanDisk:  # type: ignore[override]
        """Made when somebody asks for it, and kept: a disk that hangs is asked by one thread, not by many."""
        if self._asked_disk is None:
            filename = self.filename
            self._asked_disk = ScanDisk(lambda: filename, self._options)
        return self._asked_disk
