"""A value or an error that somebody else will have."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from ._native import allocate_lock
from .event import Event

__all__ = ["AsyncResult"]

T = TypeVar("T")


class AsyncResult(Generic[T]):
    """Settled once, by any thread or greenlet; the first one to settle it wins."""

    __slots__ = ("__weakref__", "_claim", "_error", "_settled", "_trace", "_value")

    def __init__(self) -> None:
        self._claim = allocate_lock()
        self._settled = Event()
        self._value: Any = None
        self._error: BaseException | None = None
        self._trace: TracebackType | None = None

    def set(self, result: T | BaseException) -> bool:
        """Settle it: an exception will be raised by ``get``. False: it was settled before."""
        if isinstance(result, BaseException):
            return self._settle(None, result)
        return self._settle(result, None)

    def ready(self) -> bool:
        return self._settled.is_set()

    def successful(self) -> bool:
        """Whether there is a value; False also while there is nothing yet."""
        return self.ready() and self._error is None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds (None: no limit; 0: just look). True: ``get`` has an answer."""
        return self._settled.wait(timeout)

    def get(self, timeout: float | None = None) -> T:
        """The value; or raises the error, with the traceback of where it happened above the caller's.

        Raises TimeoutError when there is neither within ``timeout`` seconds.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"no result within {timeout} s")
        error = self._error
        if error is None:
            return cast(T, self._value)
        try:
            raise error.with_traceback(self._trace)
        finally:
            del self, error  # this frame is in the traceback: no cycle through it

    def _settle(self, value: Any, error: BaseException | None) -> bool:
        if not self._claim.acquire(False):
            return False
        self._value, self._error = value, error
        self._trace = error.__traceback__ if error is not None else None
        self._settled.send()
        return True

    def __repr__(self) -> str:
        if not self.ready():
            return f"<{type(self).__name__} pending>"
        outcome = repr(self._value) if self._error is None else repr(self._error)
        return f"<{type(self).__name__} {outcome}>"
