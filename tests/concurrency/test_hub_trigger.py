from __future__ import annotations

import threading

import gevent
import pytest
from gevent import get_hub, getcurrent

from nexus_writer.concurrency import HubTrigger, Thread

from .conftest import Place, outcome, until


@pytest.mark.parametrize("blocking", [True, False])
def test_executes_once_for_each_send_in_its_own_thread(place: Place, blocking: bool) -> None:
    executed: list[int] = []
    trigger = HubTrigger(lambda: executed.append(threading.get_ident()), blocking=blocking)
    future = place.run(lambda: [trigger.send() for _ in range(1000)])
    until(lambda: len(executed) == 1000)
    assert all(outcome(future))
    assert set(executed) == {threading.get_ident()}


def test_in_the_hub_itself_only_when_blocking() -> None:
    executed: list[object] = []
    HubTrigger(lambda: executed.append(getcurrent()), blocking=True).send()
    until(lambda: len(executed) == 1)
    assert executed[0] is get_hub()
    HubTrigger(lambda: executed.append(getcurrent())).send()
    until(lambda: len(executed) == 2)
    assert executed[1] is not get_hub()


def test_not_blocking_may_wait() -> None:
    executed: list[int] = []

    def func() -> None:
        gevent.sleep(0.001)
        executed.append(1)

    HubTrigger(func).send()
    until(lambda: executed)


def test_a_trigger_on_its_way_is_not_collected() -> None:
    executed: list[int] = []
    HubTrigger(lambda: executed.append(1)).send()
    until(lambda: executed)


def test_an_ended_thread(thread: Thread) -> None:
    executed: list[int] = []
    trigger = thread.apply(HubTrigger, lambda: executed.append(1))
    assert trigger.send() is True
    until(lambda: executed)
    thread.stop()
    assert trigger.send() is False


def test_made_in_a_plain_thread_and_released_with_it() -> None:
    triggers: list[HubTrigger] = []
    executed: list[int] = []

    def main() -> None:
        triggers.append(HubTrigger(lambda: executed.append(1)))
        until(lambda: executed)

    thread = threading.Thread(target=main)
    thread.start()
    until(lambda: triggers)
    triggers[0].send()
    until(lambda: not thread.is_alive())
    assert executed == [1]
    assert triggers[0].send() is False


def test_repr() -> None:
    assert "print" in repr(HubTrigger(print))
