from __future__ import annotations

import gc
import logging
import threading
import weakref

import gevent
import pytest
from gevent import GreenletExit

from nexus_writer.concurrency import CallKilled, Event, Thread

from .conftest import until


class Stowaway:
    """Must be freed in the thread that it belongs to, as HDF5 objects must."""

    def __init__(self, freed_in: list[int]) -> None:
        self.freed_in = freed_in

    def __del__(self) -> None:
        self.freed_in.append(threading.get_ident())


def test_kill(thread: Thread) -> None:
    begun, cleaned = Event(), Event()

    def work() -> None:
        try:
            begun.send()
            gevent.sleep(1000)
        finally:
            cleaned.send()

    call = thread.spawn(work)
    begun.wait()
    call.kill()
    with pytest.raises(CallKilled, match="work was killed"):
        call.get(10)
    assert cleaned.is_set()
    assert not call.successful()
    call.kill()  # harmless


def test_kill_before_it_began(thread: Thread) -> None:
    executed: list[int] = []
    hold, held = threading.Event(), threading.Event()

    def stand_still() -> None:
        held.set()
        hold.wait()

    thread.spawn(stand_still)
    held.wait()
    call = thread.spawn(executed.append, 1)
    call.kill()
    hold.set()
    with pytest.raises(CallKilled):
        call.get(10)
    thread.apply(gevent.sleep, 0)
    assert executed == []


def test_kill_with_another_exception(thread: Thread) -> None:
    begun = Event()

    def work() -> None:
        begun.send()
        gevent.sleep(1000)

    call = thread.spawn(work)
    begun.wait()
    call.kill(ValueError("enough"))
    with pytest.raises(ValueError, match="enough"):
        call.get(10)


def test_a_killed_function_may_return_all_the_same(thread: Thread) -> None:
    begun = Event()

    def work() -> str:
        begun.send()
        try:
            gevent.sleep(1000)
        except GreenletExit:
            return "saved"
        return "slept"

    call = thread.spawn(work)
    begun.wait()
    call.kill()
    assert call.get(10) == "saved"
    assert call.successful()


def test_kill_of_an_ended_thread(thread: Thread) -> None:
    call = thread.spawn(gevent.sleep, 1000)
    thread.stop()
    call.kill()
    assert call.ready()


def test_system_exit_reaches_the_caller_and_not_the_thread(thread: Thread) -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        thread.apply(leave)
    assert thread.apply(lambda: "alive") == "alive"


def test_locals_and_arguments_of_a_failed_call_are_freed_in_its_thread(thread: Thread) -> None:
    freed_in: list[int] = []

    def use(argument: Stowaway) -> None:
        local = Stowaway(freed_in)
        raise ZeroDivisionError(repr(local is argument))

    def clean_up(argument: Stowaway) -> None:
        local = Stowaway(freed_in)
        raise KeyError(repr(local is argument))

    def work() -> None:
        try:
            use(Stowaway(freed_in))
        except ZeroDivisionError as error:
            try:
                clean_up(Stowaway(freed_in))
            except KeyError:
                raise error from ValueError()

    gc.disable()
    try:
        call = thread.spawn(work)
        with pytest.raises(ZeroDivisionError):
            call.get(10)
        assert freed_in == [thread.apply(threading.get_ident)] * 4
    finally:
        gc.enable()


def test_a_failed_call_is_in_no_cycle(thread: Thread) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    gc.disable()
    try:
        call = thread.spawn(fail)
        known = weakref.ref(call)
        with pytest.raises(ZeroDivisionError):
            call.get(10)
        del call
        until(lambda: known() is None)
    finally:
        gc.enable()


def test_an_error_that_nobody_asks_for_is_logged(thread: Thread, caplog: pytest.LogCaptureFixture) -> None:
    def fail_alone() -> None:
        raise ZeroDivisionError("not heard")

    with caplog.at_level(logging.ERROR):
        thread.spawn(fail_alone)
        until(lambda: caplog.records)
    assert "fail_alone failed, and nobody asked for its result" in caplog.text
    assert "not heard" in caplog.text


def test_an_error_after_somebody_asked_in_vain_is_logged(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    go = Event()

    def fail_late() -> None:
        go.wait()
        raise ZeroDivisionError

    call = thread.spawn(fail_late)
    with pytest.raises(TimeoutError):
        call.get(0.001)
    go.send()
    call.wait()
    with caplog.at_level(logging.ERROR):
        del call
        until(lambda: "fail_late failed" in caplog.text)


def test_an_error_that_somebody_asked_for_is_not_logged(
    thread: Thread, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        with pytest.raises(ZeroDivisionError):
            thread.apply(fail)
        thread.spawn(gevent.sleep, 1000).kill()
        thread.stop()
        gc.collect()
    assert not caplog.records


def test_repr(thread: Thread) -> None:
    call = thread.spawn(len, ())
    call.get()
    assert repr(call) == "<Call of len>"
