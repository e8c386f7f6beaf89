"""A scan that another writer of the session saves, or that waits until one may: what can be said of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import warn_without_locks

from .claims import writer_name
from .finished import FinishedScan
from .options import WriterOptions
from .question import Question
from .scan_disk import ScanDisk
from .sought import Sought
from .state import SubscriberState
from .status import ScanStatus
from .told_scan import ToldScan

Ask = Callable[[str, str, str], None]
"""Ask a writer (its id) something about a scan (its key): ``stop`` or ``kill``."""


class ScanElsewhere(ToldScan):
    """Answers as a NexusScanWriter does, from what its writer tells. Belongs to the thread of the session.

    Its status is what that one told last.
    """

    def __init__(self, sought: Sought, session: str, options: WriterOptions, ask: Ask) -> None:
        self.key = sought.key
        self.name = sought.node.name
        self.session = session
        self.writer_id = ""
        self._ask = ask
        self._settled_at: float | None = None
        self._options = options
        filename = Path(options.paths.apply(sought.path)) if sought.path else None
        self.filename: Path | None = filename
        self._disk = ScanDisk(lambda: filename, options)
        self._locks = Question(partial(warn_without_locks, filename)) if filename else None
        self._status = ScanStatus(
            name=self.name,
            key=self.key,
            session=session,
            state=SubscriberState.INIT.name,
            reason="Waiting for its file",
            start_time=sought.start_time,
            writing_since=time.time(),
            end_time=None,
            scan_end_time=None,
            lag_s=0.0,
            lag_entries=0,
            lag_fill=0.0,
            queue_fill=0.0,
        )

    # -- what is heard of it --

    def hear(self, writer_id: str, status: Mapping[str, Any] | None) -> None:
        """Its file is ``writer_id``'s, "" for nobody's; what that one says of the scan, None for nothing."""
        self.writer_id = writer_id
        name = writer_name(writer_id) if writer_id else ""
        if status is not None and self._understand(status):
            return
        reason = f"Waiting for its file, which {name} writes" if name else "Waiting for a writer"
        self._status = replace(self._status, reason=reason, written_by="")

    def settle(self, status: Mapping[str, Any]) -> None:
        """It was done with, by another writer."""
        self._settled_at = time.time()
        self.writer_id = ""
        if not self._understand(status) or self._status.end_time is None:
            self._status = replace(self._status, end_time=self._settled_at)

    def give_up(self, reason: str) -> None:
        """Nobody will write it."""
        self._settled_at = time.time()
        self.writer_id = ""
        self._status = replace(self._status, state="FAULT", reason=reason, end_time=self._settled_at)

    def _understand(self, status: Mapping[str, Any]) -> bool:
        try:
            heard = ScanStatus.from_dict(status)
            SubscriberState[heard.state]
        except (KeyError, TypeError, ValueError, AttributeError):
            return False
        self._status = replace(heard, name=self.name, key=self.key, session=self.session)
        if heard.progress.flushed_at is not None and self._locks is not None and self._locks.last is None:
            self._locks.answer(0)  # before somebody has to take the file over
        return True

    # -- for clients --

    @property
    def writing_since(self) -> float:
        return self._status.writing_since

    @property
    def end_time(self) -> float | None:
        """When this process heard that it is done with, by its own clock; None before."""
        return self._settled_at

    def record(self) -> FinishedScan:
        """When it is done with: what stays of it."""
        return FinishedScan(self.status(), self.filename, self._options)

    def done(self) -> bool:
        """Nothing more will be written of it."""
        return self._settled_at is not None

    def stop(self) -> None:
        """Ask its writer to; where there is none, nothing happens."""
        self._ask(self.writer_id, self.key, "stop")

    def kill(self) -> None:
        self._ask(self.writer_id, self.key, "kill")
