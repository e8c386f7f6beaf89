"""Stopping several backends at once; none outlives its frontend's interpreter, or keeps it from ending."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Iterable
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._frontend_side import FrontendSide

__all__ = ["reap_at_exit", "stop_all"]

STOP_S = 2.0
TERMINATE_S = 1.0
_started: weakref.WeakSet[FrontendSide] = weakref.WeakSet()
_registered_in: int | None = None


def reap_at_exit(process: FrontendSide) -> None:
    """Stop the process when the interpreter ends, before multiprocessing waits for it without a limit."""
    global _registered_in
    if _registered_in != os.getpid():
        _started.clear()
        Finalize(None, _reap, exitpriority=100)
        _registered_in = os.getpid()
    _started.add(process)


def _reap() -> None:
    stop_all(_started)


def stop_all(processes: Iterable[FrontendSide], timeout: float = STOP_S) -> None:
    """Stop them together. After ``timeout`` seconds the rest gets SIGTERM, a second later SIGKILL."""
    alive = [process for process in processes if process.is_alive()]
    for process in alive:
        with contextlib.suppress(Exception):
            process.requestStop(0.0)
    _join(alive, timeout)
    for process in alive:
        process.terminate()
    _join(alive, TERMINATE_S)
    for process in alive:
        process.kill()
    _join(alive, None)


def _join(processes: list[FrontendSide], limit_s: float | None) -> None:
    """Wait for all of them together, and forget those that have ended."""
    deadline = None if limit_s is None else time.monotonic() + limit_s
    for process in list(processes):
        process.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        if not process.is_alive():
            processes.remove(process)
