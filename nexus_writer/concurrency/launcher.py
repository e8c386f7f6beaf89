"""Execution of functions in the thread that made the launcher, asked for by any thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ._waker import current_waker
from .call import Call
from .errors import ThreadEnded

__all__ = ["Launcher"]

P = ParamSpec("P")
T = TypeVar("T")


class Launcher:
    """Each call runs in a greenlet of its own, so one that waits does not hold up the others.

    Calls begin in the order in which they were asked for. The thread must give its hub a chance to run,
    as for all greenlets.
    """

    __slots__ = ("__weakref__", "_waker")

    def __init__(self) -> None:
        self._waker = current_waker()

    def apply(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value of ``func(*args, **kwargs)``, or raises what it raised. Works in any thread.

        Raises ThreadEnded when the launcher's thread ends first. Killing the one who waits here does not
        end the call.
        """
        return self.apply_async(func, *args, **kwargs).get()

    def apply_async(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """Like ``apply``, without waiting."""
        call = Call(self._waker, func, args, kwargs)
        if not self._waker.post(call):
            raise ThreadEnded(call.name)
        return call
