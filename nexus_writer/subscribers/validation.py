"""Validates the entries of scans that are saved, beside the work: nothing ever waits for it.

One process at a time, of the lowest priority, on copies; scans that end meanwhile queue up. What it finds
goes into the file when that is free, and into the status of the scan in any case.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import gevent
from gevent.pool import Group

from nexus_writer.hdf5 import FileLocked, Hdf5Error
from nexus_writer.layout.validation_note import keep_validation

from .findings import Findings
from .nexus_rules import HOW_TO_INSTALL, can_validate
from .scan import NexusScanWriter
from .writer_thread import WriterThread

MOST_WAITING = 200
WITHIN_S = 300.0
POLL_EVERY_S = 0.1
TRY_AGAIN_AFTER_S = (1.0, 5.0, 20.0)
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Saved:
    """A scan that waits to be validated."""

    key: str
    uris: tuple[str, ...]


class Validator:
    """Belongs to the thread of the session's listener."""

    def __init__(self, writer: WriterThread, tell: Callable[[str, str], None]) -> None:
        """``tell`` gets the key of a scan and what was found, in one line."""
        self._writer = writer
        self._tell = tell
        self._waiting: deque[_Saved] = deque()
        self._greenlets = Group()
        self._works = False

    def follow(self, scan: NexusScanWriter) -> None:
        """Validate a scan when it is saved."""
        self._greenlets.spawn(self._when_saved, scan)

    def stop(self) -> None:
        """End what is going on, and forget what waits."""
        self._waiting.clear()
        self._greenlets.kill()

    def _when_saved(self, scan: NexusScanWriter) -> None:
        scan.join()
        if not scan.uris or scan.left:
            return
        saved = _Saved(scan.key, tuple(scan.uris))
        del scan  # it has done its work
        if not can_validate():
            why = Findings(not_validated=HOW_TO_INSTALL).summary
            logger.warning("[%s] %s", saved.key, why)
            self._tell(saved.key, why)
        elif len(self._waiting) >= MOST_WAITING:
            self._tell(saved.key, "not validated: too many scans wait for it")
        else:
            self._waiting.append(saved)
            if not self._works:
                self._work()

    def _work(self) -> None:
        self._works = True
        try:
            while self._waiting:
                scan = self._waiting.popleft()
                try:
                    self._validate(scan)
                except Exception as error:
                    self._tell(scan.key, f"not validated: {type(error).__name__}: {error}")
                    logger.exception("[%s] the validation failed", scan.key)
        finally:
            self._works = False

    def _validate(self, scan: _Saved) -> None:
        places = [uri.partition("::/") for uri in scan.uris]
        path = Path(places[0][0])
        found = self._ask(path, [entry for _, _, entry in places])
        summary = Findings.merged(found.values()).summary
        self._tell(scan.key, summary)
        logger.info("[%s] %s", scan.key, summary)
        for entry, findings in found.items():
            if not findings.not_validated:
                self._keep(path, entry, findings)

    def _ask(self, path: Path, entries: list[str]) -> Mapping[str, Findings]:
        """The findings by entry, from another process."""
        command = [sys.executable, "-m", "nexus_writer.subscribers.validation_process", str(path), *entries]
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
            why = _run(command, output, errors)
            if not why:
                output.seek(0)
                found = json.load(output)
                return {entry: Findings.from_dict(values) for entry, values in found.items()}
        return dict.fromkeys(entries, Findings(not_validated=why))

    def _keep(self, path: Path, entry: str, findings: Findings) -> None:
        """In the file, unless somebody else writes it for long."""
        text = findings.report()
        counts = {"errors": len(findings.errors), "warnings": len(findings.warnings)}
        for wait_s in (*TRY_AGAIN_AFTER_S, None):
            try:
                self._writer.thread.apply(keep_validation, self._writer.files, path, entry, text, counts)
                return
            except FileLocked as error:
                why = str(error)
            except Hdf5Error as error:
                why, wait_s = str(error), None
            if wait_s is None:
                break
            gevent.sleep(wait_s)
        logger.warning("The findings of the validation are not in %s::/%s: %s", path, entry, why)


def _run(command: list[str], output: IO[str], errors: IO[str]) -> str:
    """Wait for a process without keeping the thread; why it failed, "" when it did not."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors)
    deadline = time.monotonic() + WITHIN_S
    try:
        while (exit_code := process.poll()) is None:
            if time.monotonic() > deadline:
                return f"it took longer than {WITHIN_S:g} s"
            gevent.sleep(POLL_EVERY_S)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if exit_code == 0:
        return ""
    errors.seek(0)
    last = errors.read().strip().splitlines() or ["without a word"]
    return f"the validator failed: {last[-1]}"
