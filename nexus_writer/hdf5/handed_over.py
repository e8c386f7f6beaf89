"""Work that was given to the threads that compress."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from .compression_threads import CompressionThreads

T = TypeVar("T")


class HandedOver(Generic[T]):
    """What it holds it lets go of when it is done."""

    def __init__(self, work: Callable[[], T], nbytes: int) -> None:
        self._work: Callable[[], T] | None = work
        self._nbytes = nbytes
        self._future: Future[T] | None = None

    def begin(self, threads: CompressionThreads) -> bool:
        """To be called first; False: the threads have no room for it."""
        assert self._work is not None
        future = self._future = threads.submit(self._work, self._nbytes)
        if future is None:
            return False
        future.add_done_callback(lambda _: self._let_go(threads))
        return True

    def is_done(self) -> bool:
        return self._future is not None and self._future.done()

    def result(self) -> T:
        """Waits for a thread that has begun; where none has, it is done here: they may have a lot to do.

        Raises what the work does.
        """
        work, future = self._work, self._future
        assert future is not None
        if future.cancel():
            assert work is not None
            return work()
        return future.result()

    def _let_go(self, threads: CompressionThreads) -> None:
        threads.taken(self._nbytes)
        self._work = None
