"""Locks whose owners are greenlets, of any hub, or threads that have none.

What is hard about them is in ``_permits`` (one owner at a time, in order, nothing lost when a waiter is
killed) and in ``_parking`` and ``_waker`` beneath it. Here are the owners only. ``_owner`` is written by
the greenlet that holds the permit and by nobody else, so ``_owner is getcurrent()`` can not be wrong:
whatever other greenlets write at the same time, it is never the one that asks.

A greenlet that ends while it owns a lock leaves it locked for ever, as a thread does with a
``threading.Lock``: use ``with``.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from greenlet import getcurrent

from ._permits import Permits

__all__ = ["Lock", "RLock"]


class _Owned:
    """What both locks share: one permit and its owner."""

    __slots__ = ("_owner", "_permits")

    def __init__(self) -> None:
        self._permits = Permits(1)
        self._owner: Any = None

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def locked(self) -> bool:
        return self._permits.free() == 0

    def _take_over(self, blocking: bool, timeout: float | None) -> bool:
        if not self._permits.acquire(timeout if blocking else 0):
            return False
        self._owner = getcurrent()
        return True

    def _check_owner(self) -> None:
        if self._owner is not getcurrent():
            owner = "no greenlet" if self._owner is None else f"{self._owner!r}"
            raise RuntimeError(
                f"{type(self).__name__} is owned by {owner}: release it in the greenlet that acquired it"
            )

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {f'of {self._owner!r}' if self.locked() else 'free'}>"


class Lock(_Owned):
    """Acquired once, by one greenlet. Those who wait get it in the order of asking."""

    __slots__ = ()

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds (None: no limit; 0 or not ``blocking``: a try).

        Raises RuntimeError where the owner would wait for itself for ever.
        """
        if blocking and timeout is None and self._owner is getcurrent():
            raise RuntimeError("this greenlet owns the Lock already and would wait for ever: use an RLock")
        return self._take_over(blocking, timeout)

    def release(self) -> None:
        """Raises RuntimeError in a greenlet that is not the owner."""
        self._check_owner()
        self._owner = None
        self._permits.release()


class RLock(_Owned):
    """Acquired any number of times by one greenlet, and free after as many releases."""

    __slots__ = ("_depth",)

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds (None: no limit; 0 or not ``blocking``: a try)."""
        if self._owner is not getcurrent() and not self._take_over(blocking, timeout):
            return False
        self._depth += 1
        return True

    def release(self) -> None:
        """Raises RuntimeError in a greenlet that is not the owner."""
        self._check_owner()
        self._depth -= 1
        if self._depth == 0:
            self._owner = None
            self._permits.release()
