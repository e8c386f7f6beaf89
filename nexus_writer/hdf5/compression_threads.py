"""Native threads that encode chunks while the thread that writes files does something else.

They know neither h5py nor greenlets: arrays in, bytes out. All files of a process share them. What was given
to them and is not taken back yet has a bound.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

MOST_THREADS = 8
"""Where nobody says how many: one for each processor, up to so many."""

MOST_NBYTES = 2**24

REST_S = 1.0
"""Without a chunk for so long, what they have freed is given back to the system: malloc keeps it else, 6 MB
after the chunks of 100 channels got full at the same moment."""

T = TypeVar("T")


class CompressionThreads:
    """At most so many ``threads``, started as they are needed; they hold ``most_nbytes`` at most."""

    def __init__(self, threads: int = 0, most_nbytes: int = MOST_NBYTES) -> None:
        self._lock = Lock()
        self._nbytes = 0
        self._taken_s: float | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._set(threads, most_nbytes)

    threads: int
    most_nbytes: int

    @property
    def nbytes(self) -> int:
        """That they hold: not encoded yet, or not taken back."""
        return self._nbytes

    def set(self, threads: int, most_nbytes: int) -> None:
        """From now on; what is under way is finished. 0 is a thread for each processor, within limits."""
        with self._lock:
            executor, self._executor = self._executor, None
            self._set(threads, most_nbytes)
        if executor is not None:
            executor.shutdown(wait=False)

    def _set(self, threads: int, most_nbytes: int) -> None:
        self.threads = threads or min(len(os.sched_getaffinity(0)), MOST_THREADS)
        self.most_nbytes = most_nbytes

    def submit(self, work: Callable[[], T], nbytes: int) -> Future[T] | None:
        """Have ``work`` done that holds ``nbytes``; None when there is no room for it.

        Each result wants one :meth:`taken`.
        """
        with self._lock:
            if self._nbytes + nbytes > self.most_nbytes:
                return None
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self.threads, "compression")
            try:
                future = self._executor.submit(work)
            except RuntimeError:  # the interpreter is about to end
                return None
            self._nbytes += nbytes
            return future

    def taken(self, nbytes: int) -> None:
        """Nobody holds them any more."""
        with self._lock:
            self._nbytes -= nbytes
            self._taken_s = time.monotonic()

    def rest(self) -> None:
        """To be called now and then; it takes less than 1 ms, once after the last chunk."""
        if self._taken_s is not None and time.monotonic() - self._taken_s >= REST_S:
            self._taken_s = None
            _trim(0)


_trim = getattr(ctypes.CDLL(None), "malloc_trim", lambda _: 0)  # of the GNU library

compression_threads = CompressionThreads()
"""Those of this process."""
