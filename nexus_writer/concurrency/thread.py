"""A native thread with a hub of its own, which any thread can have execute functions."""

from __future__ import annotations

import atexit
import itertools
import logging
import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, ParamSpec, TypeVar

from gevent import GreenletExit
from gevent.monkey import is_object_patched

from ._waker import Waker, current_waker, release_hub
from .async_result import AsyncResult
from .call import Call
from .errors import ThreadEnded
from .event import Event
from .launcher import Launcher

__all__ = ["Thread"]

_logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

END_GRACE_S = 10.0
"""How long each call that is killed by the end of its thread may take for its ``finally``."""

_numbers = itertools.count(1)
_running: set[Thread] = set()


def _end_all() -> None:
    """Before the interpreter goes: a hub that wakes up after that takes the process down (SIGABRT)."""
    for thread in list(_running):
        thread.stop(wait=False)
    _join_all(END_GRACE_S / 2)
    for thread in list(_running):
        thread._kill_main()
    _join_all(END_GRACE_S / 2)
    for thread in list(_running):
        _logger.warning(
            "the process ends while thread %r runs: it ignored its stop and its kill", thread.name
        )


def _join_all(timeout_s: float) -> None:
    deadline = monotonic() + timeout_s
    for thread in list(_running):
        thread.join(max(0.0, deadline - monotonic()))


atexit.register(_end_all)
os.register_at_fork(after_in_child=_running.clear)


class Thread:
    """Runs ``run(*args, **kwargs)`` in a native thread, and other functions next to it, as greenlets.

    The thread ends when its main function returns: by itself, or because it waits for ``stopping`` (the
    default does nothing else). Then all other calls are killed, get END_GRACE_S seconds for their
    ``finally``, and those who wait for their results get ThreadEnded: nobody waits for ever. Greenlets
    that calls made with ``gevent.spawn`` vanish with the hub.

    When the process ends it stops its threads, and kills the main functions that take no notice. It waits
    for those that are no ``daemon`` first, as long as they run.
    """

    def __init__(
        self,
        run: Callable[..., Any] | None = None,
        *args: Any,
        name: str | None = None,
        daemon: bool = True,
        **kwargs: Any,
    ) -> None:
        #: sent by ``stop``: what the main function has to look at
        self.stopping = Event()
        self._main: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
        self._main = (run or self.stopping.wait, args, kwargs)
        self._started = Event()
        self._ended = Event()
        self._launcher: Launcher | None = None
        self._result: AsyncResult[Any] = AsyncResult()
        self._native = threading.Thread(
            target=self._bootstrap, name=name or f"hub-{next(_numbers)}", daemon=daemon
        )

    @property
    def name(self) -> str:
        return self._native.name

    def is_alive(self) -> bool:
        return self._native.is_alive()

    def start(self, wait: bool = True, timeout: float | None = None) -> bool:
        """Start the thread, once. True: its hub runs (not waited for unless ``wait``).

        Raises OSError when no hub can be made for it.
        """
        if is_object_patched("threading", "Thread") or is_object_patched("_thread", "start_new_thread"):
            raise RuntimeError("threads are monkey patched into greenlets: use patch_all(thread=False)")
        self._native.start()
        _running.add(self)
        if self._ended.is_set():
            _running.discard(self)
        started = self._started.wait(timeout if wait else 0)
        if started and self._launcher is None:
            self._result.get(0)
        return started

    def stop(self, wait: bool = True, timeout: float | None = None) -> bool:
        """Ask the thread to end. True: it does not run (any more; not waited for unless ``wait``).

        May be repeated, and called before ``start``. Within the thread itself it asks, and never waits.
        """
        self.stopping.send()
        if self._native.ident is None:
            return True
        return self.join(timeout if wait and not self._is_current() else 0)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end, ``timeout`` seconds at most (None: no limit). True: the thread has ended."""
        self._check_started()
        if self._is_current() and (timeout is None or timeout > 0):
            raise RuntimeError(f"thread {self.name!r} can not wait for its own end: join it in another one")
        deadline = None if timeout is None else monotonic() + timeout
        if not self._ended.wait(timeout):
            return False
        # nothing is left but the release of the thread's own storage
        self._native.join(None if deadline is None else max(0.0, deadline - monotonic()))
        return not self._native.is_alive()

    def get(self, timeout: float | None = None) -> Any:
        """Like ``join``; what the main function returned, or raises what it raised.

        Raises TimeoutError when the thread has not ended within ``timeout`` seconds.
        """
        if not self.join(timeout):
            raise TimeoutError(f"thread {self.name!r} has not ended within {timeout} s")
        return self._result.get(0)

    def apply(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The value of ``func(*args, **kwargs)``, executed in this thread; or raises what it raised.

        Called by any thread, this one included. Raises ThreadEnded when the thread ends first.
        """
        return self.apply_async(func, *args, **kwargs).get()

    def apply_async(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """Like ``apply``, without waiting. Calls begin in the order in which they were asked for."""
        self._check_started()
        self._started.wait()
        if self._launcher is None:
            raise ThreadEnded(f"a call in thread {self.name!r}")
        return self._launcher.apply_async(func, *args, **kwargs)

    def spawn(self, func: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """A greenlet in this thread, for work that goes on: its result, with ``kill``."""
        return self.apply_async(func, *args, **kwargs)

    def _bootstrap(self) -> None:
        func, args, kwargs = self._main
        del self._main
        try:
            self._launcher = Launcher()
            self._result = self._launcher.apply_async(func, *args, **kwargs)
            del func, args, kwargs
            self._started.send()
            self._result.wait()
        except Exception as error:  # no hub
            self._result.set(error)
        finally:
            self._started.send()
            if self._launcher is not None:
                self._end_calls(current_waker())
            release_hub()
            self._ended.send()
            _running.discard(self)

    def _kill_main(self) -> None:
        if isinstance(self._result, Call):
            self._result.kill()

    def _end_calls(self, waker: Waker) -> None:
        waker.ending = True
        calls = [call for call in list(waker.unfinished) if isinstance(call, Call)]
        for call in calls:
            call.throw(GreenletExit)
        deadline = monotonic() + END_GRACE_S
        for call in calls:
            if call.wait(max(0.0, deadline - monotonic())):
                deadline = monotonic() + END_GRACE_S  # there is progress: many may be slow, none is stuck
            else:
                _logger.warning("thread %r ends without %r, which ignored its kill", self.name, call)

    def _check_started(self) -> None:
        if self._native.ident is None:
            raise RuntimeError(f"thread {self.name!r} is not started: call start() first")

    def _is_current(self) -> bool:
        return threading.current_thread() is self._native

    def __repr__(self) -> str:
        state = (
            "not started" if self._native.ident is None else "ended" if self._ended.is_set() else "running"
        )
        return f"<Thread {self.name!r}, {state}>"
