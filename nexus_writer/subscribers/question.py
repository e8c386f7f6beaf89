"""Asking what may take for ever to answer: a file system that hangs.

A network file system that is away lets ``statvfs``, ``access`` and ``fsync`` wait until it is back. A pool of
threads would be full after a few such questions, and whoever shares it would wait, too. So there is one
question at a time, in a thread of its own, and until it is answered the last answer holds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from nexus_writer.concurrency import AsyncResult

Answer = TypeVar("Answer")


class Question(Generic[Answer]):
    """Asked by any thread and greenlet, which lets others run meanwhile.

    An OSError is no answer, but an end: the last answer holds, and the next call asks anew. The same where
    no thread can be had.
    """

    __slots__ = ("_ask", "_asked_at", "_lock", "_under_way", "last")
    last: Answer | None
    """The last answer; None when there was none."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._under_way: AsyncResult[bool] | None = None
        self._asked_at = 0.0
        self.last = None

    def answer(self, within_s: float) -> Answer | None:
        """The answer, or the last one when it does not come in time; None when there never was one."""
        with self._lock:
            under_way = self._under_way
            if under_way is None:
                under_way = self._under_way = AsyncResult()
                self._asked_at = time.monotonic()
                self._begin(under_way)
        under_way.wait(within_s)
        return self.last

    def _begin(self, under_way: AsyncResult[bool]) -> None:
        try:
            threading.Thread(target=self._find_out, args=(under_way,), daemon=True).start()
        except RuntimeError:  # no more threads can be had now
            self._under_way = None
            under_way.set(True)

    def waits_s(self) -> float:
        """For how long the answer has not come, seconds; 0 when none is waited for."""
        with self._lock:
            return 0.0 if self._under_way is None else time.monotonic() - self._asked_at

    def _find_out(self, under_way: AsyncResult[bool]) -> None:
        try:
            self.last = self._ask()
        except OSError:
            pass
        finally:
            with self._lock:
                self._under_way = None
            under_way.set(True)
