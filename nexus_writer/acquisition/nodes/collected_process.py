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
            lines_of = _Lines(lines, self.logger, self.name, self.pid)
            args, name = (lines_of, weakref.ref(self)), f"stderr of {self.name}"
            threading.Thread(target=_collect, args=args, name=name, daemon=True).start()

    def preRun__(self) -> None:
        assert self._stderr is not None
        os.dup2(self._stderr.fileno(), 2)
        self._stderr.close()
        root = logging.getLogger()
        root.handlers[:] = [LogHandler(self.log_address)]
        root.setLevel(self.log_level)


class _Lines:
    """What a process writes to stderr, as records of its logger."""

    def __init__(self, source: Connection, logger: logging.Logger, name: str, pid: int | None) -> None:
        self.source = source
        self._logger, self._name, self._pid = logger, name, pid
        self._rest = b""

    def read(self) -> bool:
        """What is there; False at the end of the pipe."""
        data = os.read(self.source.fileno(), 65536)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            self._log(line)
        if len(self._rest) > LONGEST_LINE_BYTES:
            self.end()
        return bool(data)

    def end(self) -> None:
        """A line that was not ended."""
        self._log(self._rest)
        self._rest = b""

    def _log(self, data: bytes) -> None:
        line = data.decode(errors="replace").rstrip()
        if not line or not self._logger.isEnabledFor(logging.WARNING):
            return
        record = self._logger.makeRecord(self._logger.name, logging.WARNING, "stderr", 0, line, (), None)
        record.processName, record.process = self._name, self._pid
        self._logger.handle(record)


def _collect(lines: _Lines, reference: weakref.ref[CollectedProcess]) -> None:
    """Until the end of the pipe; or of the process, if others have the pipe too."""
    ready = select.poll()
    ready.register(lines.source.fileno(), select.POLLIN)
    with lines.source:
        while ready.poll(1000 * LOOK_S) or not _has_ended(reference()):
            if ready.poll(0) and not lines.read():
                break
    lines.end()


def _has_ended(process: CollectedProcess | None) -> bool:
    return process is None or not process.is_alive()
