"""Places where a function may wait: greenlets of several hubs, and threads without one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from time import monotonic
from typing import Any

import gevent
import pytest
from gevent import get_hub

from nexus_writer.concurrency import Thread

LIMIT_S = 60.0


def until(condition: Callable[[], Any]) -> None:
    """Let the hub of this thread run until ``condition()`` is true."""
    deadline = monotonic() + LIMIT_S
    while not condition():
        assert monotonic() < deadline, "the condition never came true"
        gevent.sleep(0.001)


def outcome(future: Future[Any]) -> Any:
    """What a place's function returned, while the hub of this thread runs."""
    until(future.done)
    return future.result()


def _fulfil(future: Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    try:
        future.set_result(func(*args))
    except BaseException as error:
        future.set_exception(error)


class Place:
    """Runs functions; ``greenlets`` tells whether they may be killed there."""

    def __init__(self, kind: str) -> None:
        self.greenlets = kind.endswith("greenlet")
        self._kind = kind
        self._threads: list[threading.Thread] = []

    def run(self, func: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self._kind == "greenlet":
            gevent.spawn(_fulfil, future, func, args)
        else:
            thread = threading.Thread(target=self._thread_main, args=(future, func, args))
            self._threads.append(thread)
            thread.start()
        return future

    def _thread_main(self, *task: Any) -> None:
        if self._kind == "plain thread":
            _fulfil(*task)
            return
        hub = get_hub()
        if self._kind == "root of a hub":
            _fulfil(*task)
        else:
            gevent.spawn(_fulfil, *task).join()
        hub.destroy()

    def join(self) -> None:
        for thread in self._threads:
            until(lambda thread=thread: not thread.is_alive())


@pytest.fixture(params=["greenlet", "plain thread", "root of a hub", "other greenlet"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each kind of waiter there is, seen from the main thread's hub."""
    place = Place(request.param)
    yield place
    place.join()


@pytest.fixture
def thread() -> Iterator[Thread]:
    """A running Thread."""
    thread = Thread(name="under test")
    thread.start()
    yield thread
    assert thread.stop(timeout=LIMIT_S)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    until(lambda: not set(threading.enumerate()) - before)
