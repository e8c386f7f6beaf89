"""What can go wrong with calls in another thread."""

from __future__ import annotations

__all__ = ["CallKilled", "ConcurrencyError", "ThreadEnded"]


class ConcurrencyError(RuntimeError):
    """Base of the errors of this package."""


class ThreadEnded(ConcurrencyError):
    """The thread that a call was meant for ended, or ends, before the call returned."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was not completed, its thread has ended: start a new thread and call again")


class CallKilled(ConcurrencyError):
    """A call was killed before it returned. (Not GreenletExit: that would end the caller silently.)"""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} was killed before it returned: call again if its result is needed")
