from __future__ import annotations

import threading
import traceback

import gevent
import pytest

from nexus_writer.concurrency import Event, Launcher, Thread, ThreadEnded

from .conftest import Place, outcome, until


def fail_there(text: str) -> None:
    raise ZeroDivisionError(text)


def test_apply_executes_in_the_thread_that_made_it(place: Place) -> None:
    launcher = Launcher()
    ident = outcome(place.run(launcher.apply, threading.get_ident))
    assert ident == threading.get_ident()


def test_arguments_and_value(place: Place) -> None:
    launcher = Launcher()

    def func(*args: int, func: int) -> tuple[tuple[int, ...], int]:
        return args, func

    assert outcome(place.run(lambda: launcher.apply(func, 1, 2, func=3))) == ((1, 2), 3)


def test_exception_with_its_traceback(place: Place) -> None:
    launcher = Launcher()
    with pytest.raises(ZeroDivisionError, match="why") as caught:
        outcome(place.run(launcher.apply, fail_there, "why"))
    frames = traceback.extract_tb(caught.tb)
    assert frames[-1].name == "fail_there"
    assert frames[-1].line == "raise ZeroDivisionError(text)"


def test_a_returned_exception_is_a_value() -> None:
    error = ValueError()
    assert Launcher().apply(lambda: error) is error


def test_apply_async(place: Place) -> None:
    launcher = Launcher()
    go = Event()
    calls = outcome(place.run(lambda: [launcher.apply_async(go.wait, 10) for _ in range(10)]))
    assert not any(call.ready() for call in calls)
    go.send()
    assert [call.get() for call in calls] == [True] * 10
    assert all(call.successful() for call in calls)


def test_a_call_that_waits_holds_up_nobody(place: Place) -> None:
    launcher = Launcher()
    go = Event()
    waits = launcher.apply_async(go.wait)
    assert outcome(place.run(launcher.apply, lambda: "served")) == "served"
    assert not waits.ready()
    go.send()
    assert waits.get() is True


def test_calls_begin_in_order(thread: Thread) -> None:
    launcher = thread.apply(Launcher)
    begun: list[int] = []
    calls = [launcher.apply_async(begun.append, number) for number in range(1000)]
    calls[-1].get(10)
    assert begun == list(range(1000))


def test_nested_calls_between_two_threads(thread: Thread) -> None:
    here, there = Launcher(), thread.apply(Launcher)

    def descend(depth: int) -> int:
        if depth == 0:
            return 0
        launcher = here if depth % 2 else there
        return 1 + launcher.apply(descend, depth - 1)

    assert gevent.spawn(descend, 20).get() == 20
    assert there.apply(descend, 20) == 20
    assert here.apply(descend, 20) == 20


def test_a_thread_that_ends_with_calls_not_begun(place: Place) -> None:
    launchers: list[Launcher] = []
    end = threading.Event()

    def main() -> None:
        launchers.append(Launcher())
        end.wait()  # the hub never runs

    thread = threading.Thread(target=main)
    thread.start()
    until(lambda: launchers)
    future = place.run(launchers[0].apply, print)
    until(lambda: launchers[0]._waker._deliveries)
    end.set()
    with pytest.raises(ThreadEnded, match="print was not completed"):
        outcome(future)
    thread.join()
    with pytest.raises(ThreadEnded, match="start a new thread"):
        launchers[0].apply_async(print)


def test_a_thread_that_ends_with_calls_begun() -> None:
    calls = []

    def main() -> None:
        launcher = Launcher()
        calls.append(launcher.apply_async(gevent.sleep, 1000))
        until(lambda: launcher._waker.unfinished)

    thread = threading.Thread(target=main)
    thread.start()
    until(lambda: calls)
    with pytest.raises(ThreadEnded, match="sleep"):
        calls[0].get(10)
    thread.join()
