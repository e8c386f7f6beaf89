"""The life of a subscriber in its three modes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import gevent
import pytest

from nexus_writer.concurrency import Event, Thread
from nexus_writer.subscribers import Mode, NotStarted, Subscriber, SubscriberState
from nexus_writer.subscribers.errors import Finished
from nexus_writer.subscribers.modes import Request


class Counting(Subscriber[int]):
    """Listens to numbers; keeps what it consumed, where, and how it was ended."""

    def __init__(
        self, mode: Mode, thread: Thread | None, numbers: Sequence[int], *, endless: bool = False
    ) -> None:
        super().__init__("session:1_counting", mode=mode, thread=thread, queue_size=2)
        self.numbers = numbers
        self.endless = endless
        self.consumed: list[int] = []
        self.finished_as: list[tuple[Request | None, str | None]] = []
        self.consumer_threads: set[int] = set()
        self.hold = Event()
        self.hold.send()
        self.all_sent = Event()

    def _listen(self) -> Iterator[Sequence[int]]:
        self._listening.send()
        for number in self.numbers:
            yield [number]
        self.all_sent.send()
        while self.endless:
            gevent.sleep(1000)

    def _consume(self, item: int) -> None:
        self.hold.wait()
        if item < 0:
            raise ValueError(f"{item} is negative")
        if item == 1_000_000:
            raise Finished
        self.consumed.append(item)
        self.consumer_threads.add(threading.get_ident())

    def _finish(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        self.finished_as.append((request, failure))
        return super()._finish(request, failure)


@pytest.fixture(params=list(Mode), ids=lambda mode: mode.name.lower())
def mode(request: pytest.FixtureRequest) -> Mode:
    """Each of the three modes."""
    mode: Mode = request.param
    return mode


@pytest.fixture
def thread(mode: Mode) -> Iterator[Thread | None]:
    """The consumer's thread where the mode has one."""
    if mode is not Mode.PARALLEL:
        yield None
        return
    thread = Thread(name="consumer")
    thread.start(wait=True)
    yield thread
    thread.stop(wait=True, timeout=60)


def test_follows_to_the_end(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, range(100))
    assert subscriber.state is SubscriberState.INIT
    subscriber.start(wait=True, timeout=60)
    assert subscriber.join(60)
    assert subscriber.state is SubscriberState.OFF
    assert subscriber.done()
    assert subscriber.consumed == list(range(100))
    assert subscriber.finished_as == [(None, None)]
    assert subscriber.duration() > 0
    own_thread = subscriber.consumer_threads == {threading.get_ident()}
    assert own_thread is (mode is not Mode.PARALLEL)


def test_starts_once(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, [1])
    subscriber.start()
    with pytest.raises(NotStarted):
        subscriber.start()
    assert subscriber.join(60)


def test_stop_digests_what_was_received(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, range(10), endless=True)
    subscriber.start()
    assert subscriber.all_sent.wait(60)
    subscriber.stop(wait=True, timeout=60)
    assert subscriber.state is SubscriberState.OFF
    assert subscriber.consumed == list(range(10))
    assert subscriber.finished_as == [(Request.STOP, None)]


def test_stop_before_the_first_switch(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, [1], endless=True)
    subscriber.start()
    subscriber.stop(wait=True, timeout=60)
    assert subscriber.state is SubscriberState.OFF
    assert len(subscriber.finished_as) == 1


def test_stop_without_a_start(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, [1])
    subscriber.stop(wait=True, timeout=60)
    assert subscriber.done()
    with pytest.raises(NotStarted):
        subscriber.start()


def test_kill_is_a_fault(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, range(10), endless=True)
    subscriber.start(wait=True, timeout=60)
    subscriber.kill(wait=True, timeout=60)
    assert subscriber.state is SubscriberState.FAULT
    assert subscriber.finished_as == [(Request.KILL, None)]
    subscriber.stop(wait=True, timeout=60)
    assert subscriber.state is SubscriberState.FAULT


def test_kill_drops_what_waits() -> None:
    thread = Thread(name="consumer")
    thread.start(wait=True)
    subscriber = Counting(Mode.PARALLEL, thread, range(100))
    subscriber.hold.clear()
    subscriber.start(wait=True, timeout=60)
    subscriber.kill()
    subscriber.hold.send()
    assert subscriber.join(60)
    assert len(subscriber.consumed) < 100
    thread.stop(wait=True, timeout=60)


def test_consumer_failure_is_a_fault_that_says_why(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, [1, 2, -3, 4], endless=True)
    subscriber.start()
    assert subscriber.join(60)
    assert subscriber.state is SubscriberState.FAULT
    assert subscriber.reason == "-3 is negative"
    assert subscriber.consumed == [1, 2]
    assert subscriber.finished_as == [(None, "-3 is negative")]


def test_listener_failure_is_a_fault_that_says_why(mode: Mode, thread: Thread | None) -> None:
    class Failing(Counting):
        def _listen(self) -> Iterator[Sequence[int]]:
            yield [1]
            raise OSError("no more numbers")

    subscriber = Failing(mode, thread, [])
    subscriber.start()
    assert subscriber.join(60)
    assert subscriber.state is SubscriberState.FAULT
    assert subscriber.reason == "no more numbers"
    assert subscriber.consumed == [1]


def test_consumer_that_has_had_enough_ends_the_listener(mode: Mode, thread: Thread | None) -> None:
    subscriber = Counting(mode, thread, [1, 1_000_000, 2, 3, 4, 5, 6, 7], endless=True)
    subscriber.start()
    assert subscriber.join(60)
    assert subscriber.state is SubscriberState.OFF
    assert subscriber.consumed == [1]
    listener = subscriber._listener
    assert listener is not None
    listener.join(60)
    assert listener.dead


def test_slow_consumer_makes_the_listener_wait() -> None:
    thread = Thread(name="consumer")
    thread.start(wait=True)
    subscriber = Counting(Mode.PARALLEL, thread, range(50))
    subscriber.hold.clear()
    subscriber.start(wait=True, timeout=60)
    assert not subscriber.all_sent.wait(0.1)
    subscriber.hold.send()
    assert subscriber.join(60)
    assert subscriber.consumed == list(range(50))
    thread.stop(wait=True, timeout=60)


def test_parallel_needs_a_thread() -> None:
    with pytest.raises(ValueError, match="needs a thread"):
        Counting(Mode.PARALLEL, None, [])
