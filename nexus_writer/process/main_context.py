"""A frame for a program that runs message processes."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

from .loggers import LoggedByClass
from .pipe import MessagePipe
from .safe_select import safe_select

__all__ = ["MainContext"]


class MainContext(LoggedByClass):
    """Subclass it, and call ``super().__init__()`` last: it starts the processes, and then the threads.

    ``__call__`` is the program's loop; it ends with ``close``. To be run by ``runAsThread`` as well, it has
    to listen to ``aux_pipe_read`` too, and to end when that has something. However often ``close`` is
    called, it is run once.
    """

    def __init__(self) -> None:
        self.logger = logging.getLogger(type(self).__name__)
        self.loop = True
        self.aux_pipe_read, self.aux_pipe_write = MessagePipe.pair()
        self._thread: threading.Thread | None = None
        self._closed_by: set[Callable[..., Any]] = set()
        self.startProcesses()
        self.startThreads()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "close" in cls.__dict__:
            setattr(cls, "close", _once(cls.close))  # noqa: B010 - a method is replaced

    def startProcesses(self) -> None:
        """Make and start the processes here."""
        raise _missing(self, "startProcesses")

    def startThreads(self) -> None:
        """Make and start threads here, after the processes."""
        raise _missing(self, "startThreads")

    def close(self) -> None:
        """End processes and threads here."""
        raise _missing(self, "close")

    def __call__(self) -> None:
        """Wait until ``loop`` is False, ``stopThread`` is called, or Ctrl-C; then close."""
        try:
            while self.loop and not safe_select([self.aux_pipe_read], [], [], timeout=1.0)[0]:
                self.logger.debug("alive")
        except KeyboardInterrupt:
            self.logger.debug("interrupted")
        self.close()

    def runAsThread(self) -> None:
        """Run ``__call__`` in a thread."""
        self._thread = threading.Thread(target=self.__call__, name=type(self).__name__)
        self._thread.start()

    def stopThread(self) -> None:
        """End what ``runAsThread`` began, and close."""
        self.loop = False
        self.aux_pipe_write.send(None)
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.close()


def _once(close: Callable[[Any], None]) -> Callable[[Any], None]:
    @functools.wraps(close)
    def close_once(self: MainContext) -> None:
        if close not in self._closed_by:
            self._closed_by.add(close)
            close(self)

    return close_once


def _missing(context: MainContext, method: str) -> NotImplementedError:
    return NotImplementedError(f"{type(context).__name__} has no method {method}: define it")
