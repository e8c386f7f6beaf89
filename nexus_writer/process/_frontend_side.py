"""What the process that made a MessageProcess can do with it."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, ClassVar

from ._commands import Command, commands_of
from ._frontend import Frontend, FrontPipe
from ._reaper import reap_at_exit
from .errors import AlreadyStarted, BackendDied, NotStarted, SendTimeout, UnknownCommand
from .loggers import LoggedByClass, shown_level
from .message import MessageObject
from .pipe import MessagePipe, giving
from .reply import Reply
from .sync_index import watching

__all__ = ["FrontendSide"]

TERMINATE_S = 1.0
_hiding = threading.Lock()


class FrontendSide(LoggedByClass, multiprocessing.Process):
    """The frontend's half of MessageProcess: starting, sending, calling, stopping."""

    send_timeout_s: float | None = 30.0
    """A send gives up with SendTimeout when the backend took nothing for so long."""
    import_main: bool = True
    """False: a spawned backend does not import the program's main module, which then needs no guard."""
    _commands: ClassVar[dict[str, Command]] = {}
    _pipe_class: ClassVar[type[FrontPipe]] = FrontPipe

    def __init__(self, name: str = "MessageProcess", *, start_method: str | None = None) -> None:
        super().__init__(name=name)
        self.pre = f"{type(self).__name__}.{name}"
        self.logger = logging.getLogger(self.pre)
        self.loop = True
        self._chosen_method = start_method
        self._sigint = True
        self._is_started = self._stop_asked = False
        self._lines: Frontend | None = None
        self._given: tuple[MessagePipe, MessagePipe] | None = None
        self._shown_level: int | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._commands = commands_of(cls)

    def __getstate__(self) -> dict[str, Any]:
        """What a spawned backend gets: the frontend's ends stay in the frontend."""
        return {**self.__dict__, "_lines": None}

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> Any:
        method = getattr(process_obj, "_chosen_method", None)
        process_class: Any = (
            multiprocessing.get_context(method).Process if method else multiprocessing.Process
        )
        with _main_hidden() if not getattr(process_obj, "import_main", True) else contextlib.nullcontext():
            return process_class._Popen(process_obj)

    def start(self, wait: bool = False, timeout: float | None = None) -> None:
        """Make the backend; with ``wait``, return when ``preRun__`` is done, or raise what it raised."""
        if self._is_started:
            raise AlreadyStarted(self.name)
        front = self._front()
        self._given = front.given
        self._shown_level = shown_level(type(self).__name__)
        try:
            with giving(front.given):
                super().start()
        finally:
            self._given = None
        self._is_started = True
        front.let_go()
        reap_at_exit(self)
        if wait:
            front.replies.start.result(timeout)

    def go(self) -> None:
        """The same as ``start``."""
        self.start()

    def ignoreSIGINT(self) -> None:
        """Call it before ``start``: Ctrl-C is the frontend's business then."""
        self._sigint = False

    def getPipe(self) -> FrontPipe:
        """What the backend sends; ``select`` and ``multiprocessing.connection.wait`` take it, also before
        the start. ``recv`` raises BackendDied when the backend is gone."""
        return self._front().pipe

    def sendMessageToBack(self, message: MessageObject) -> None:
        """Have a command run; not waiting for it. Before the start, messages are kept for the backend.

        Raises TypeError for wrong arguments and what pickle raises, before anything is sent; BackendDied;
        SendTimeout when the backend takes nothing for ``send_timeout_s``.
        """
        command, kwargs = message.command, message.kwargs
        known = self._commands.get(command)
        if known is not None:
            known.check(kwargs)
        sync = watching.get()
        if sync is None:
            self._front().pipe.send((0, command, kwargs), timeout_s=self.send_timeout_s)
            return
        reply = self._front().replies.expected()
        sync.watch(reply)
        self._front().pipe.send((-reply.number, command, kwargs), timeout_s=self.send_timeout_s)

    def call(self, command: str, /, **kwargs: Any) -> Reply:
        """Have a command run, and get what it returns by ``result``.

        Raises UnknownCommand, NotStarted, and as ``sendMessageToBack`` does; but a backend that is gone is
        told by the reply.
        """
        known = self._commands.get(command)
        if known is None:
            raise UnknownCommand(type(self).__name__, command, sorted(self._commands))
        known.check(kwargs)
        if not self._is_started:
            raise NotStarted(self.name)
        front = self._front()
        reply = front.replies.expected()
        with contextlib.suppress(BackendDied):
            front.pipe.send(
                (reply.number, command, kwargs),
                timeout_s=self.send_timeout_s,
                meanwhile=front.replies.take_what_is_there,
            )
        return reply

    def sendPing(self, lis: list[Any]) -> None:
        """The backend answers ``MessageObject("pong", lis=[1, 2, 3])``."""
        self.sendMessageToBack(MessageObject("ping", lis=lis))

    def requestStop(self, timeout: float | None = None) -> None:
        """Have the backend end when it has run what it was sent before. Does nothing a second time.

        Raises SendTimeout if it takes no message within ``timeout`` seconds (None: ``send_timeout_s``).
        """
        if not self._is_started or self._stop_asked:
            return
        limit_s = self.send_timeout_s if timeout is None else timeout
        self._ask_to_stop(limit_s)

    def waitStop(self, timeout: float | None = None) -> None:
        """The same as ``join``."""
        self.join(timeout)

    def join(self, timeout: float | None = None) -> None:
        """Wait until the backend has ended. What it sends in the end is kept for ``getPipe().recv()``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        more = self._stop_asked
        while more and self.is_alive():
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return
            ready = wait([self.sentinel, self.getPipe().fileno()], left_s)
            more = self.sentinel not in ready and (not ready or self.getPipe().keep_what_is_there())
        super().join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def stop(self, timeout: float | None = None) -> int | None:
        """Request the stop and wait for it; returns the exit code, None if it was never started.

        A backend that has not ended after ``timeout`` seconds is ended by SIGTERM (its ``postRun__`` is run),
        and by SIGKILL where that does not help within a second.
        """
        if not self._is_started:
            return None
        try:
            if not self._stop_asked:
                self._ask_to_stop(timeout)
            self.join(timeout)
        except (SendTimeout, BrokenPipeError):
            pass
        if self.is_alive():
            self.terminate()
            self.join(TERMINATE_S)
        if self.is_alive():
            self.kill()
            self.join()
        return self.exitcode

    def _ask_to_stop(self, limit_s: float | None) -> None:
        pipe = self._front().pipe
        with contextlib.suppress(BackendDied):
            pipe.send(None, timeout_s=limit_s, meanwhile=pipe.keep_what_is_there)
        self._stop_asked = True

    def _front(self) -> Frontend:
        if self._lines is None:
            self._lines = Frontend(self, self._pipe_class)
        return self._lines


@contextlib.contextmanager
def _main_hidden() -> Iterator[None]:
    """Inside, multiprocessing finds nothing of the main module that a spawned process had to import."""
    main = sys.modules["__main__"]
    with _hiding:
        spec, file = main.__spec__, main.__dict__.pop("__file__", None)
        main.__spec__ = None
        try:
            yield
        finally:
            main.__spec__ = spec
            if file is not None:
                main.__file__ = file
