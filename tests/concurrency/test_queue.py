from __future__ import annotations

import threading

import gevent
import pytest
from gevent import GreenletExit

from nexus_writer.concurrency import Empty, Full, Queue, Thread

from .conftest import Place, outcome, until


def test_first_in_first_out(place: Place) -> None:
    queue: Queue[int] = Queue()

    def fill() -> None:
        for number in range(1000):
            queue.put(number)

    future = place.run(fill)
    assert [queue.get(10) for _ in range(1000)] == list(range(1000))
    outcome(future)
    assert len(queue) == 0


def test_get_waits(place: Place) -> None:
    queue: Queue[str] = Queue()
    future = place.run(queue.get)
    until(lambda: queue._getters.parked)
    queue.put("it")
    assert outcome(future) == "it"


def test_get_all_waits_for_one_and_takes_all(place: Place) -> None:
    queue: Queue[int] = Queue()
    future = place.run(queue.get_all)
    until(lambda: queue._getters.parked)
    queue.put(0)
    assert outcome(future) == [0]
    for number in range(5):
        queue.put(number)
    assert outcome(place.run(queue.get_all)) == [0, 1, 2, 3, 4]
    assert len(queue) == 0


@pytest.mark.parametrize("timeout", [0, -1, 0.01])
def test_empty(place: Place, timeout: float) -> None:
    queue: Queue[int] = Queue()
    for get in queue.get, queue.get_all:
        with pytest.raises(Empty):
            outcome(place.run(get, timeout))
    assert not queue._getters.parked


@pytest.mark.parametrize("timeout", [0, -1, 0.01])
def test_full(place: Place, timeout: float) -> None:
    queue: Queue[int] = Queue(maxsize=2)
    queue.put(0)
    queue.put(1)
    with pytest.raises(Full, match="too slow, or stopped"):
        outcome(place.run(queue.put, 2, timeout))
    assert len(queue) == 2


def test_put_waits_for_a_place(place: Place) -> None:
    queue: Queue[int] = Queue(maxsize=1)
    queue.put(0)
    future = place.run(queue.put, 1)
    until(lambda: queue._places is not None and queue._places._waiting.parked)
    assert queue.get() == 0
    outcome(future)
    assert queue.get() == 1


def test_get_all_makes_place_for_as_many(place: Place) -> None:
    queue: Queue[int] = Queue(maxsize=3)
    for number in range(3):
        queue.put(number)
    futures = [place.run(queue.put, number) for number in range(3)]
    until(lambda: queue._places is not None and len(queue._places._waiting.parked) == 3)
    assert queue.get_all() == [0, 1, 2]
    for future in futures:
        outcome(future)
    assert sorted(queue.get_all()) == [0, 1, 2]


def test_a_killed_getter_leaves_the_item_to_the_next_one(place: Place) -> None:
    queue: Queue[str] = Queue()
    killed = gevent.spawn(queue.get)
    until(lambda: len(queue._getters.parked) == 1)
    future = place.run(queue.get)
    until(lambda: len(queue._getters.parked) == 2)
    killed.kill(block=False)
    queue.put("it")  # wakes the one that is being killed
    assert outcome(future) == "it"
    assert isinstance(killed.get(), GreenletExit)


def test_a_killed_putter_leaves_its_place_to_the_next_one(place: Place) -> None:
    queue: Queue[str] = Queue(maxsize=1)
    queue.put("first")
    waiting = queue._places._waiting  # type: ignore[union-attr]
    killed = gevent.spawn(queue.put, "never")
    until(lambda: len(waiting.parked) == 1)
    future = place.run(queue.put, "second")
    until(lambda: len(waiting.parked) == 2)
    killed.kill(block=False)
    assert queue.get() == "first"
    outcome(future)
    assert queue.get() == "second"


def test_a_woken_getter_that_finds_nothing_waits_on() -> None:
    queue: Queue[str] = Queue()
    waiting = gevent.spawn(queue.get)
    until(lambda: queue._getters.parked)
    queue.put("first")
    assert queue.get(0) == "first"  # before the one that was woken
    gevent.sleep(0)
    until(lambda: queue._getters.parked)
    queue.put("second")
    assert waiting.get() == "second"


def test_none_is_an_item() -> None:
    queue: Queue[None] = Queue()
    queue.put(None)
    assert queue.get_all() == [None]


def test_a_busy_queue_costs_no_wake_ups(thread: Thread) -> None:
    queue: Queue[int] = Queue()
    got: list[int] = []
    wake_ups = 0
    unpark_one = queue._getters.unpark_one

    class Counting(type(queue._getters)):  # type: ignore[misc]
        def unpark_one(self) -> bool:
            nonlocal wake_ups
            wake_ups += 1
            return unpark_one()

    counting = Counting()
    counting.parked = queue._getters.parked
    queue._getters = counting

    def consume() -> None:
        while len(got) < 100_000:
            got.extend(queue.get_all())

    call = thread.spawn(consume)
    for number in range(100_000):
        queue.put(number)
    call.get(10)
    assert got == list(range(100_000))
    assert wake_ups < 10_000


def test_many_producers_and_consumers_in_all_places(place: Place, thread: Thread) -> None:
    queue: Queue[tuple[int, int]] = Queue(maxsize=7)
    taken: list[tuple[int, int]] = []

    def produce(producer: int) -> None:
        for number in range(300):
            queue.put((producer, number))

    def consume() -> None:
        while (item := queue.get()) != (-1, -1):
            taken.append(item)

    consumers = [place.run(consume), place.run(consume), thread.spawn(consume)]
    producers = [place.run(produce, 0), thread.spawn(produce, 1), gevent.spawn(produce, 2)]
    until(lambda: all(p.done() if hasattr(p, "done") else p.ready() for p in producers))
    for _ in consumers:
        queue.put((-1, -1))
    until(lambda: all(c.done() if hasattr(c, "done") else c.ready() for c in consumers))
    assert sorted(taken) == [(producer, number) for producer in range(3) for number in range(300)]


def test_an_empty_queue_is_true() -> None:
    assert Queue()


def test_the_bound_is_never_exceeded() -> None:
    queue: Queue[int] = Queue(maxsize=3)
    most = 0

    def produce() -> None:
        for number in range(500):
            queue.put(number)

    threads = [threading.Thread(target=produce) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2000):
        most = max(most, len(queue))
        queue.get(10)
    for thread in threads:
        thread.join()
    assert most <= 3
