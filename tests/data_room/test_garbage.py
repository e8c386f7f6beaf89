"""The collector of cycles rests while large replies are taken apart."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from nexus_writer.data import get_session_node
from nexus_writer.data._garbage import no_collection
from tests.data_room.by_hand import HandPublisher


@pytest.fixture(autouse=True)
def collector_on() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_it_rests_inside_and_goes_on_behind() -> None:
    with no_collection():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_goes_on_after_an_error() -> None:
    with pytest.raises(KeyboardInterrupt), no_collection():
        raise KeyboardInterrupt
    assert gc.isenabled()


def test_who_turned_it_off_finds_it_off() -> None:
    gc.disable()
    with no_collection(), no_collection():
        pass
    assert not gc.isenabled()


def test_the_last_of_several_threads_turns_it_on() -> None:
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with no_collection():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=stay)
    with no_collection():
        thread.start()
        assert inside.wait(60)
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


def test_a_backlog_is_read_without_collections(redis_client: redis.Redis) -> None:
    publisher = HandPublisher(redis_client)
    scan = publisher.scan()
    device = publisher.below(scan, "timer", "None")
    for name in "abcde":
        publisher.points(publisher.channel(device, name), [0.5] * 4000)
    publisher.end(scan)
    collections: list[Any] = []

    def count(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            collections.append(info)

    gc.collect()
    gc.callbacks.append(count)
    try:
        events = list(get_session_node("session", redis_client).walk_events(wait=False))
    finally:
        gc.callbacks.remove(count)
    assert sum(event.data.block_size for event in events if event.data is not None) == 20_000
    assert len(collections) < 30  # two lists an entry: 57 where each 700 are looked at
