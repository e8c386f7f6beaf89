"""The life of a backend around its loop: signals, and the end of its frontend."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from multiprocessing import parent_process
from multiprocessing.util import Finalize
from types import FrameType

__all__ = ["EndedBySignal", "Life"]

LAST_ACTS_S = 0.7
"""A backend whose frontend has died gets that long to clean up after itself."""


class EndedBySignal(SystemExit):
    """Raised in the main thread, wherever it is."""


class Life:
    """Ends a backend in an orderly way: SIGTERM and SIGINT leave its loop, so that ``postRun__`` is run.

    The same when the frontend's process is gone, however it went. The end of the line tells that too, but not
    to a backend that is busy; a death signal of the kernel (PR_SET_PDEATHSIG) would come when the *thread*
    that started the backend ends. So a thread waits for the process itself.
    """

    def __init__(self, *, sigint: bool) -> None:
        self.signals = (signal.SIGTERM, signal.SIGINT) if sigint else (signal.SIGTERM,)
        self._signal: int | None = None
        self._is_ending = False
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.handle_signals()
        parent = parent_process()
        if parent is not None and parent.pid is not None:
            watch = threading.Thread(target=_end_with, args=(parent.pid,), name="frontend watch", daemon=True)
            watch.start()

    def handle_signals(self) -> None:
        """By raising EndedBySignal."""
        for number in self.signals:
            signal.signal(number, self._end)

    def ended_by(self, number: int) -> None:
        """A loop that handles signals itself got this one."""
        self._is_ending = True
        self._signal = self._signal or number

    def is_over(self) -> None:
        """From now on signals do not interrupt: what is left is the clean-up."""
        self._is_ending = True

    def leave(self) -> None:
        """The exit code tells the signal, after all that an exit does."""
        if self._signal is not None:
            Finalize(None, _die_of, args=(self._signal,), exitpriority=-1000)

    def _end(self, number: int, _: FrameType | None) -> None:
        if self._is_ending:
            return
        self.ended_by(number)
        raise EndedBySignal(128 + number)


def _die_of(number: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _end_with(pid: int) -> None:
    wait, kill, sleep = select.poll, os.kill, time.sleep  # gevent may be patched in later
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        pass
    else:
        poll = wait()
        poll.register(descriptor, select.POLLIN)
        poll.poll()
    kill(os.getpid(), signal.SIGTERM)
    sleep(LAST_ACTS_S)
    kill(os.getpid(), signal.SIGKILL)
