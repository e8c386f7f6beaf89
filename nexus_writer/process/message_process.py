"""A process that is asked by messages, and answers by messages."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from functools import partial
from typing import Any, ClassVar, Literal

from ._backend import EndedBySignal, Life
from ._commands import PREFIX
from ._frontend_side import FrontendSide
from .errors import UnknownCommand
from .failure import Failure
from .message import MessageObject, message_of
from .pipe import NOTHING, MessagePipe
from .sync_index import watching

__all__ = ["MessageProcess"]


class MessageProcess(FrontendSide):
    """Subclass it: a method ``c__x(self, a)`` is run in the backend when the frontend asks for ``x``.

    *Frontend* is the process that made the object, *backend* the one that ``start`` makes. Commands and
    methods whose names end in ``__`` are the backend's, all others the frontend's. Commands are run one by
    one, in the order in which they were sent. ``start_method`` is multiprocessing's; None is its default.

    A command that raises does not end the backend. ``call(...).result()`` raises its exception; where the
    message was sent by ``sendMessageToBack`` the backend logs it, and the pipe gets
    ``MessageObject("error", command=..., error=...)``.

    A command that returns a ``concurrent.futures.Future`` is answered when that is done, with its result or
    its exception; other commands are run meanwhile.
    """

    timeout: ClassVar[float] = 1.0
    """Seconds after which ``readPipes__`` returns though no message came."""
    on_error: Literal["reply", "die"] = "reply"
    """``die``: a command that raises ends the backend, after the exception was told."""

    back_pipe: MessagePipe
    """The backend's end of ``getPipe()``; only there."""
    _control: MessagePipe
    """The backend's way to answer calls; only there."""
    _life: Life

    def preRun__(self) -> None:
        """Is run once in the backend before all else: imports, devices, shared memory."""

    def postRun__(self) -> None:
        """Is run once in the backend at the end, also at an end by SIGTERM, or by the frontend's death."""

    def run(self) -> None:
        """The backend's life; not meant to be changed."""
        life = self._life = self._begin_life()
        error: BaseException | None = None
        with contextlib.suppress(EndedBySignal):
            self._pre_run()
            try:
                self.serve__()
            except EndedBySignal:
                pass
            except BaseException as raised:
                error = raised
            life.is_over()
            self.postRun__()
            if error is None:
                self._say_last()
        life.leave()
        if error is not None:
            raise error

    def serve__(self) -> None:
        """Handle messages until one asks to stop."""
        self._tell_start(None)
        while self.loop:
            self.readPipes__(self.timeout)

    def readPipes__(self, timeout: float) -> None:
        """Wait ``timeout`` seconds for a message, and handle it.

        A backend with more to listen to waits here for its own pipes and ``self.back_pipe`` together, and
        calls ``handleBackPipe__`` when that has something.
        """
        self._handle(timeout)

    def handleBackPipe__(self, pipe: MessagePipe) -> None:
        """Take one message from ``self.back_pipe``, and run its command."""
        self._handle(None)

    def routeMainPipe__(self, message: MessageObject) -> Any:
        """Run the method of a message's command, and return what it returns."""
        method = getattr(self, PREFIX + message.command, None)
        if method is None:
            raise UnknownCommand(type(self).__name__, message.command, sorted(self._commands))
        return method(**message.kwargs)

    def send_out__(self, obj: Any) -> Any:
        """Send an object to the frontend's pipe; waits while that is full."""
        self.back_pipe.send(obj)

    def c__ping(self, lis: list[Any] = []) -> Any:  # noqa: B006 - the default of the name's origin
        """Answers, to show that the backend listens."""
        self.logger.debug("ping %s", lis)
        self.send_out__(MessageObject("pong", lis=[1, 2, 3]))

    def _begin_life(self) -> Life:
        assert self._given is not None
        self.back_pipe, self._control = self._given
        self._given = self._lines = None
        watching.set(None)
        if self._shown_level is not None:
            self.formatLogger(self._shown_level)
        return Life(sigint=self._sigint)

    def _pre_run(self) -> None:
        try:
            self.preRun__()
        except Exception as error:
            self._tell_start(error)
            raise

    def _tell_start(self, error: Exception | None) -> None:
        self._control.send((0, None, error and Failure(error)))

    def _say_last(self) -> None:
        with contextlib.suppress(OSError):
            self.back_pipe.send(None)

    def _handle(self, timeout: float | None) -> None:
        try:
            item = self.back_pipe.receive_within(timeout)
        except (EOFError, OSError):
            item = None
        if item is NOTHING:
            return
        if item is None:
            self.loop = False
            return
        number, command, kwargs = item
        try:
            value = self.routeMainPipe__(message_of(command, kwargs))
            if isinstance(value, Future):
                value.add_done_callback(partial(self._answer_later, number, command))
            elif number > 0:
                self._control.send((number, value, None))
        except Exception as error:
            self._tell(number, command, error)
            if self.on_error == "die":
                raise

    def _answer_later(self, number: int, command: str, done: Future[Any]) -> None:
        """In whatever thread has made it done."""
        with contextlib.suppress(OSError):  # the frontend is gone
            try:
                value = done.result()
                if number > 0:
                    self._control.send((number, value, None))
            except BaseException as error:
                self._tell(number, command, error)

    def _tell(self, number: int, command: str, error: BaseException) -> None:
        if number:
            self._control.send((abs(number), None, Failure(error)))
        else:
            self._send_if_taken(self._logged(command, error))

    def _logged(self, command: str, error: BaseException) -> MessageObject | None:
        """A failure that nobody waits for; what the pipe is to be told of it."""
        if isinstance(error, UnknownCommand):
            self.logger.warning("%s", error)
            return None
        self.logger.error("the command %s failed", command, exc_info=error)
        return MessageObject("error", command=command, error=Failure(error))

    def _send_if_taken(self, message: MessageObject | None) -> None:
        if message is not None and self.back_pipe.takes_more():
            self.back_pipe.send(message)
