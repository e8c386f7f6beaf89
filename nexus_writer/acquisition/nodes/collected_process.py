"""A fresh process whose log records and lines of stderr are collected by the program that made it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import select
import threading
import weakref
from multiprocessing.connection import Connection

from nexus_writer.process import MessageProcess

from .log_server import LogHandler

__all__ = ["CollectedProcess"]

LOOK_S = 0.2
LONGEST_LINE_BYTES = 8192


class CollectedProcess(MessageProcess):
    """Spawned, never forked; Ctrl-C is its maker's business, whose end is its own end.

    A line that it writes to stderr becomes a warning in the log of the process that made it.
    """

    import_main = False
    timeout = 60.0

    def __init__(self, name: str, log_address: str, log_level: int) -> None:
        super().__init__(name, start_method="spawn")
        self.ignoreSIGINT()
        self.log_address, self.log_level = log_address, log_level
        self._stderr: Connection | None = None

    def start(self, wait: bool = False, timeout: float | None = None) -> None:
        lines, self._stderr = multiprocessing.Pipe(duplex=False)
        try:
            super().start(wait, timeout)
        finally:
            self._stderr.close()
            self._stderr = None
            collecting = threading.Thread(
                target=_collect, args=(lines, weakref.ref(self)), name=f"stderr of {self.name}", daemon=True
            )
            collecting.start()

    def preRun__(self) -> None:
        assert self._stderr is not None
        os.dup2(self._stderr.fileno(), 2)
        self._stderr.close()
        root = logging.getLogger()
        root.handlers[:] = [LogHandler(self.log_address)]
        root.setLevel(self.log_level)


def _collect(lines: Connection, reference: weakref.ref[CollectedProcess]) -> None:
    """Until the end of the pipe; or of the process, if others have the pipe too."""
    ready, rest = select.poll(), b""
    ready.register(lines.fileno(), select.POLLIN)
    with lines:
        while True:
            if not ready.poll(1000 * LOOK_S):
                if _has_ended(reference()):
                    break
                continue
            data = os.read(lines.fileno(), 65536)
            if not data:
                break
            *whole, rest = (rest + data).split(b"\n")
            if len(rest) > LONGEST_LINE_BYTES:
                whole, rest = [*whole, rest], b""
            _log(reference(), whole)
    _log(reference(), [rest])


def _has_ended(process: CollectedProcess | None) -> bool:
    return process is None or not process.is_alive()


def _log(process: CollectedProcess | None, lines: list[bytes]) -> None:
    if process is None or not process.logger.isEnabledFor(logging.WARNING):
        return
    logger = process.logger
    for line in filter(None, map(bytes.rstrip, lines)):
        text = line.decode(errors="replace")
        record = logger.makeRecord(logger.name, logging.WARNING, "stderr", 0, text, (), None)
        record.processName, record.process = process.name, process.pid
        logger.handle(record)
