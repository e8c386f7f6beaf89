"""A call of a function in the hub of another thread: its result, and the means to kill it.

A result crosses to other threads, and what it carries is then freed there. For most objects that is
nothing to think of; an HDF5 object freed outside its thread blocks that one's hub for as long as the HDF5
library is busy (0.3 to 1.3 s measured). The locals of the frames in a traceback would be such stowaways:
they are cleared in the thread of the call, before the error is handed over. What can be printed of the
traceback (files, lines, names) stays.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import gevent
from gevent import GreenletExit

from ._waker import Waker
from .async_result import AsyncResult
from .errors import CallKilled, ThreadEnded

__all__ = ["Call"]

_logger = logging.getLogger(__name__)

T = TypeVar("T")


def _name_of(func: Callable[..., Any]) -> str:
    return getattr(func, "__qualname__", None) or repr(func)


def _execute(
    func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, BaseException | None]:
    try:
        return func(*args, **kwargs), None
    except BaseException as error:
        return None, error


def _forget_locals(error: BaseException) -> None:
    """Clear the frames of ``error``'s traceback, and of those that led to it."""
    chain: list[BaseException | None] = [error]
    seen: set[int] = set()
    while chain:
        link = chain.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        traceback.clear_frames(link.__traceback__)
        chain += [link.__cause__, link.__context__, *getattr(link, "exceptions", ())]


class Call(AsyncResult[T]):
    """Settled however the call ends: returned, raised, killed, or its thread ended.

    An error that nobody asks for with ``get`` is logged when the call is forgotten.
    """

    __slots__ = ("_asked", "_greenlet", "_task", "_waker", "name")

    def __init__(
        self, waker: Waker, func: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        super().__init__()
        self._waker = waker
        #: the function's
        self.name = _name_of(func)
        self._task: tuple[Callable[..., T], tuple[Any, ...], dict[str, Any]] | None = (func, args, kwargs)
        self._greenlet: Any = None
        self._asked = False

    def get(self, timeout: float | None = None) -> T:
        """The value, or raises what the function raised; CallKilled; ThreadEnded; TimeoutError."""
        try:
            return super().get(timeout)
        finally:
            self._asked = self.ready()
            del self

    def kill(self, exception: type[BaseException] | BaseException = GreenletExit) -> None:
        """Raise ``exception`` in the function, from any thread; returns at once: see ``wait``.

        A function that was not begun never is. ``get`` then raises CallKilled, or ``exception`` where it
        is none of GreenletExit; unless the function returns all the same.
        """
        if not self.ready():
            self._waker.post(_Kill(self, exception))

    def deliver(self) -> None:
        """In the hub: begin the call, in a greenlet of its own."""
        if self._waker.ending:
            self.lost()
            return
        self._waker.unfinished.add(self)
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.rawlink(self._finish)

    def lost(self) -> None:
        """The hub has ended."""
        self._task = None
        self._settle(None, ThreadEnded(self.name))

    def throw(self, exception: type[BaseException] | BaseException) -> None:
        """In the hub's thread: raise ``exception`` in the function at its next step."""
        if self._greenlet is not None:
            self._greenlet.kill(exception, block=False)

    def _run(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        value, error = _execute(*task)
        del task
        if error is not None:
            _forget_locals(error)
        self._conclude(value, error)
        del self, value, error  # this frame is below those of the traceback: no cycle through it

    def _finish(self, greenlet: Any) -> None:
        self._waker.unfinished.discard(self)
        self._conclude(None, greenlet.exception or GreenletExit())  # killed before it began

    def _conclude(self, value: Any, error: BaseException | None) -> None:
        if isinstance(error, GreenletExit):
            ended = self._waker.ending
            error = ThreadEnded(self.name) if ended else CallKilled(self.name)
        self._settle(value, error)

    def __del__(self) -> None:
        error = self._error
        if error is not None and not self._asked and not isinstance(error, (CallKilled, ThreadEnded)):
            _logger.error("%s failed, and nobody asked for its result", self.name, exc_info=error)

    def __repr__(self) -> str:
        return f"<Call of {self.name}{'' if self.ready() else ', pending'}>"


class _Kill:
    """A kill on its way to the hub of the call; it arrives after the call itself."""

    __slots__ = ("_call", "_exception")

    def __init__(self, call: Call[Any], exception: type[BaseException] | BaseException) -> None:
        self._call = call
        self._exception = exception

    def deliver(self) -> None:
        self._call.throw(self._exception)

    def lost(self) -> None:
        """The call is lost too, and settled by that."""
