from __future__ import annotations

import multiprocessing
import os
import pickle
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from nexus_writer.process import EventGroup, MessageObject, NotEnoughEvents, ProcessEvent
from tests.process.programs import SyncProcess

Start = Callable[..., Any]


def test_a_backend_sets_a_reserved_event(started: Start, start_method: str) -> None:
    process = started(SyncProcess(start_method=start_method))
    group = process.event_group
    group.fromIndex(0).set()
    index, event = group.reserve()
    assert not event.wait(0)
    assert (group.asIndex(event), group.fromIndex(index), len(group)) == (index, event, 3)
    process.sendMessageToBack(MessageObject("set", event_index=index))
    assert event.wait(60)
    group.release(event)
    assert str(group) == "<EventGroup: f0 f1 f2>"


def test_events_run_out_and_come_again_in_order() -> None:
    group = EventGroup(3)
    events = [group.reserve()[1] for _ in range(3)]
    assert str(group) == "<EventGroup: R0 R1 R2>"
    with pytest.raises(Exception, match="all 3 events are reserved") as caught:
        group.reserve()
    assert isinstance(caught.value, NotEnoughEvents)
    group.release(events[2])
    group.release_ind(0)
    assert [group.reserve()[0] for _ in range(2)] == [2, 0]


def test_what_may_not_be_released_is_refused() -> None:
    group = EventGroup(3)
    index, event = group.reserve()
    with pytest.raises(ValueError, match="not of this group"):
        group.release(ProcessEvent())
    with pytest.raises(ValueError, match="not of this group"):
        group.asIndex(ProcessEvent())
    group.release(event)
    with pytest.raises(ValueError, match="not reserved"):
        group.release(event)
    for wrong in (index, 99, -1):
        with pytest.raises(ValueError, match="event"):
            group.release_ind(wrong)
    for wrong in (99, -1):
        with pytest.raises(IndexError):
            group.set(wrong)
    assert sorted(group.reserve()[0] for _ in range(3)) == [0, 1, 2]


def test_no_event_is_handed_out_twice() -> None:
    group = EventGroup(4)
    holders: list[int] = [0] * 4
    wrong: list[int] = []

    def use() -> None:
        done = 0
        while done < 1000:
            try:
                index, event = group.reserve()
            except NotEnoughEvents:
                continue
            holders[index] += 1
            if holders[index] != 1:
                wrong.append(index)
            holders[index] -= 1
            group.release(event)
            done += 1

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert str(group) == "<EventGroup: f0 f1 f2 f3>"


class OwnEvent:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def set(self) -> None:
        self.calls.append("set")

    def clear(self) -> None:
        self.calls.append("clear")

    def wait(self) -> None:
        self.calls.append("wait")


@pytest.mark.parametrize("event_class", [OwnEvent, threading.Event, multiprocessing.Event])
def test_any_class_of_events(event_class: Any) -> None:
    group = EventGroup(2, event_class=event_class)
    index, event = group.reserve()
    group.set(index)
    event.wait()
    if event_class is OwnEvent:
        assert event.calls == ["clear", "set", "wait"]
    group.release(event)


def test_multiprocessings_event_is_set_by_a_backend(started: Start) -> None:
    process = started(SyncProcess(event_class=multiprocessing.Event))
    process.ask("set")


def test_our_event_is_one_descriptor() -> None:
    event = ProcessEvent()
    assert not event.is_set()
    assert select.select([event], [], [], 0) == ([], [], [])
    begun_s = time.monotonic()
    assert not event.wait(0.1)
    assert time.monotonic() - begun_s >= 0.1
    event.set()
    event.set()
    assert event.is_set()
    assert event.wait()
    assert select.select([event], [], [], 0)[0] == [event]
    event.clear()
    event.clear()
    assert not event.is_set()
    with pytest.raises(RuntimeError, match="inheritance"):
        pickle.dumps(event)
    descriptor = event.fileno()
    del event
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
