from __future__ import annotations

import subprocess
import sys
import threading

import gevent
import pytest
from gevent import GreenletExit

from nexus_writer.concurrency import Event, Thread, ThreadEnded
from nexus_writer.concurrency import thread as thread_module
from tests.descriptors import descriptors

from .conftest import Place, outcome


def test_main_function_and_its_result(place: Place) -> None:
    thread = Thread(lambda *args, **kwargs: (threading.get_ident(), args, kwargs), 1, two=2, name="adder")
    assert thread.name == "adder"
    assert thread.start() is True
    ident, args, kwargs = outcome(place.run(thread.get))
    assert ident != threading.get_ident()
    assert (args, kwargs) == ((1,), {"two": 2})
    assert outcome(place.run(thread.join)) is True
    assert not thread.is_alive()
    assert thread.get(0) is not None


def test_main_function_that_fails(place: Place) -> None:
    def fail() -> None:
        raise ZeroDivisionError("in main")

    thread = Thread(fail)
    thread.start()
    with pytest.raises(ZeroDivisionError, match="in main"):
        outcome(place.run(thread.get))
    assert thread.join() is True


def test_before_the_start() -> None:
    thread = Thread()
    for method in (thread.join, thread.get):
        with pytest.raises(RuntimeError, match=r"call start\(\) first"):
            method()
    with pytest.raises(RuntimeError, match=r"call start\(\) first"):
        thread.apply(print)
    assert thread.stop() is True
    assert "not started" in repr(thread)


def test_stopped_before_the_start_ends_at_once() -> None:
    thread = Thread()
    thread.stop()
    thread.start()
    assert thread.get(10) is True


def test_a_thread_starts_once(thread: Thread) -> None:
    with pytest.raises(RuntimeError):
        thread.start()


def test_start_without_waiting() -> None:
    thread = Thread()
    thread.start(wait=False)
    assert thread.apply(lambda: 5) == 5
    assert thread.stop() is True


def test_stop_may_be_repeated_from_anywhere(place: Place, thread: Thread) -> None:
    futures = [place.run(thread.stop) for _ in range(3)]
    assert [outcome(future) for future in futures] == [True] * 3
    assert thread.stop() is True
    assert thread.stop(wait=False) is True
    assert thread.get() is True
    assert "ended" in repr(thread)


def test_stop_without_waiting(thread: Thread) -> None:
    thread.stop(wait=False)
    assert thread.join(60) is True


def test_stop_of_a_main_function_that_takes_its_time() -> None:
    go = Event()
    thread = Thread(go.wait)
    thread.start()
    assert thread.stop(timeout=0.01) is False
    assert thread.join(0.01) is False
    with pytest.raises(TimeoutError, match="has not ended within"):
        thread.get(0.01)
    assert thread.stopping.is_set()
    go.send()
    assert thread.stop() is True


def test_stop_in_the_thread_itself(thread: Thread) -> None:
    assert thread.apply(thread.stop) is False
    assert thread.join(60) is True


def test_join_in_the_thread_itself(thread: Thread) -> None:
    with pytest.raises(RuntimeError, match="join it in another one"):
        thread.apply(thread.join)
    assert thread.apply(thread.join, 0) is False


def test_apply_in_all_places(place: Place, thread: Thread) -> None:
    ident = outcome(place.run(thread.apply, threading.get_ident))
    assert ident != threading.get_ident()
    assert outcome(place.run(thread.apply_async, threading.get_ident)).get() == ident
    assert outcome(place.run(thread.spawn, threading.get_ident)).get() == ident


def test_apply_in_the_thread_itself(thread: Thread) -> None:
    assert thread.apply(thread.apply, thread.apply, lambda: 5) == 5


def test_apply_in_the_main_function() -> None:
    thread = Thread(lambda: thread.apply(lambda: 5))
    thread.start()
    assert thread.get(10) == 5


def test_calls_run_next_to_each_other(thread: Thread) -> None:
    events = [Event() for _ in range(5)]

    def relay(number: int) -> int:
        events[number].wait()
        if number:
            events[number - 1].send()
        return number

    calls = [thread.spawn(relay, number) for number in range(5)]
    events[4].send()
    assert [call.get(10) for call in calls] == [0, 1, 2, 3, 4]


def test_those_who_wait_for_a_call_get_an_error_when_the_thread_ends(place: Place, thread: Thread) -> None:
    begun = Event()

    def work() -> None:
        begun.send()
        gevent.sleep(1000)

    future = place.run(thread.apply, work)
    begun.wait()
    thread.stop()
    with pytest.raises(ThreadEnded, match="work was not completed, its thread has ended"):
        outcome(future)


def test_calls_may_finish_their_work_when_the_thread_ends(thread: Thread) -> None:
    begun = Event()

    def work() -> str:
        begun.send()
        try:
            gevent.sleep(1000)
        except GreenletExit:
            gevent.sleep(0.01)
        return "saved"

    call = thread.spawn(work)
    begun.wait()
    thread.stop()
    assert call.get(0) == "saved"


def test_calls_that_ignore_their_kill_do_not_hold_up_the_end(
    thread: Thread, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(thread_module, "END_GRACE_S", 0.05)
    begun = Event()

    def ignore() -> None:
        while True:
            begun.send()
            try:
                gevent.sleep(1000)
            except GreenletExit:
                continue

    call = thread.spawn(ignore)
    begun.wait()
    assert thread.stop(timeout=60) is True
    with pytest.raises(ThreadEnded):
        call.get(0)
    assert "ignored its kill" in caplog.text


def test_calls_after_the_end_are_refused(place: Place, thread: Thread) -> None:
    thread.stop()
    for method in thread.apply, thread.apply_async, thread.spawn:
        with pytest.raises(ThreadEnded, match="start a new thread"):
            outcome(place.run(method, print))


def test_calls_asked_for_while_the_thread_ends_are_refused(thread: Thread) -> None:
    begun = Event()
    refused: list[BaseException] = []

    def work() -> None:
        begun.send()
        try:
            gevent.sleep(1000)
        finally:
            try:
                thread.apply(print)
            except ThreadEnded as error:
                refused.append(error)

    thread.spawn(work)
    begun.wait()
    thread.stop()
    assert len(refused) == 1


def test_many_threads_leave_nothing_behind() -> None:
    gevent.sleep(0)
    before = descriptors()
    for _ in range(30):
        thread = Thread()
        thread.start()
        thread.apply_async(gevent.sleep, 1000)
        thread.stop()
    assert descriptors() <= before


def test_a_hub_that_can_not_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(thread_module, "Launcher", fail)
    thread = Thread()
    with pytest.raises(OSError, match="Too many open files"):
        thread.start()
    assert thread.join(60) is True
    with pytest.raises(ThreadEnded):
        thread.apply(print)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "dev", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("attempt", range(5))
def test_a_process_that_ends_stops_its_threads(attempt: int) -> None:
    # a daemon thread with a hub that wakes up while the interpreter goes: SIGABRT in 14 of 30 runs
    done = run_python(
        "import gevent\n"
        "from nexus_writer.concurrency import Thread\n"
        "def work():\n"
        "    try:\n"
        "        gevent.sleep(1000)\n"
        "    finally:\n"
        "        print('finally')\n"
        "thread = Thread(); thread.start()\n"
        "call = thread.spawn(work)\n"
        "print(thread.apply(lambda: 5))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "5\nfinally\n", "")


def test_a_process_that_ends_kills_main_functions_that_ignore_their_stop() -> None:
    done = run_python(
        "import gevent\n"
        "from nexus_writer.concurrency import Thread, thread\n"
        "thread.END_GRACE_S = 0.2\n"
        "def main():\n"
        "    try:\n"
        "        gevent.sleep(1000)\n"
        "    finally:\n"
        "        print('finally')\n"
        "Thread(main).start()\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "finally\n", "")


def test_a_thread_that_is_no_daemon_holds_the_process_until_it_ends() -> None:
    done = run_python(
        "import gevent\n"
        "from nexus_writer.concurrency import Thread\n"
        "def main():\n"
        "    gevent.sleep(0.2)\n"
        "    print('saved')\n"
        "Thread(main, daemon=False).start()\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "saved\n", "")


def test_patched_threads_are_refused() -> None:
    done = run_python(
        "from gevent import monkey; monkey.patch_all()\n"
        "from nexus_writer.concurrency import Thread\n"
        "try:\n"
        "    Thread().start()\n"
        "except RuntimeError as error:\n"
        "    print(error)\n"
    )
    assert "use patch_all(thread=False)" in done.stdout, done.stderr
