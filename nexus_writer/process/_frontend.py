"""The frontend's ends of a process: the pipe that users see, and the one that answers come by."""

from __future__ import annotations

import time
import weakref
from multiprocessing.process import BaseProcess

from .errors import BackendDied
from .pipe import MessagePipe
from .reply import Replies

__all__ = ["Duplex", "FrontPipe", "Frontend"]

EXIT_S = 0.15
"""The line ends a moment before the process does, and only then is there an exit code."""


class FrontPipe(MessagePipe):
    """Messages to and from a backend; for ``select`` as well. Raises BackendDied when it is gone."""

    frontend: weakref.ref[Frontend] | None = None

    def _lost(self, error: Exception) -> Exception:
        frontend = None if self.frontend is None else self.frontend()
        return error if frontend is None else frontend.died()


class Duplex(FrontPipe):
    """The frontend's pipe of a backend that runs asyncio."""

    def getReadFd(self) -> int:
        """Descriptor for ``select``, to read."""
        return self.fileno()

    def getWriteFd(self) -> int:
        """Descriptor for ``select``, to write."""
        return self.fileno()


class Frontend:
    """Two lines. The backend's ends are held until they are given to it: only then can its death be seen."""

    def __init__(self, process: BaseProcess, pipe_class: type[FrontPipe]) -> None:
        self._process = weakref.ref(process)
        self._name = process.name
        self.pipe, back_pipe = pipe_class.pair()
        self.pipe.frontend = weakref.ref(self)
        control, back_control = MessagePipe.pair()
        self.replies = Replies(control, weakref.WeakMethod(self._no_answer))
        self.given = (back_pipe, back_control)

    def let_go(self) -> None:
        """The backend has its ends now."""
        for pipe in self.given:
            pipe.close()

    def died(self) -> BackendDied:
        """Caused by what hindered the start, if that is why."""
        died = BackendDied(self._name, self._exitcode())
        died.__cause__ = self._start_error()
        return died

    def _no_answer(self) -> BaseException:
        return self._start_error() or self.died()

    def _start_error(self) -> BaseException | None:
        self.replies.take_what_is_there()
        start = self.replies.start
        return start.exception() if start.is_done else None

    def _exitcode(self) -> int | None:
        process = self._process()
        if process is None:
            return None
        deadline = time.monotonic() + EXIT_S
        while process.exitcode is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return process.exitcode
