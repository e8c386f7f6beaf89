"""A function without arguments that any thread can have executed in one hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent

from ._waker import current_waker

__all__ = ["HubTrigger"]


class HubTrigger:
    """Executes ``func`` in the hub of the thread that made the trigger, once for each ``send``.

    In a greenlet of its own; or, when ``blocking``, in the hub's own greenlet, which costs half the time
    but blocks the whole hub meanwhile, so that ``func`` must not wait for anything. What ``func`` returns
    is dropped, what it raises is printed by the hub.
    """

    __slots__ = ("__weakref__", "_blocking", "_func", "_waker")

    def __init__(self, func: Callable[[], Any], blocking: bool = False) -> None:
        self._func = func
        self._blocking = blocking
        self._waker = current_waker()

    def send(self) -> bool:
        """Executions are as many as sends, and begin in their order. False: the hub has ended."""
        return self._waker.post(self)

    def deliver(self) -> None:
        if self._blocking:
            self._func()
        else:
            gevent.spawn(self._func)

    def lost(self) -> None:
        """Nobody waits for a trigger."""

    def __repr__(self) -> str:
        return f"<HubTrigger of {self._func!r}>"
