from __future__ import annotations

import gevent
import pytest

from nexus_writer.concurrency import Event, Thread

from .conftest import Place, outcome, until


def test_wait_until_sent(place: Place) -> None:
    event = Event()
    future = place.run(event.wait)
    until(lambda: event._waiting.parked)
    assert not event.is_set()
    event.send()
    assert outcome(future) is True
    assert event.is_set()


def test_wait_for_what_was_sent_already(place: Place) -> None:
    event = Event()
    event.send()
    assert outcome(place.run(event.wait, 0)) is True
    assert outcome(place.run(event.wait)) is True
    event.clear()
    assert outcome(place.run(event.wait, 0)) is False


def test_time_is_over(place: Place) -> None:
    event = Event()
    assert outcome(place.run(event.wait, 0.01)) is False
    assert outcome(place.run(event.wait, -1)) is False
    assert not event._waiting.parked


def test_set_is_send() -> None:
    event = Event()
    event.set()
    assert event.is_set()


def test_sent_from_any_place(place: Place) -> None:
    event = Event()
    future = place.run(event.send)
    assert event.wait(60) is True
    outcome(future)


def test_all_are_woken_even_if_cleared_at_once(place: Place, thread: Thread) -> None:
    event = Event()
    futures = [place.run(event.wait, 10) for _ in range(3)]
    calls = [thread.spawn(event.wait, 10) for _ in range(3)]
    until(lambda: len(event._waiting.parked) == 6)
    event.send()
    event.clear()
    assert [outcome(future) for future in futures] == [True] * 3
    assert [call.get() for call in calls] == [True] * 3
    assert event.wait(0) is False


@pytest.mark.parametrize("timeout", [None, 0.02])
def test_a_slow_send_does_not_satisfy_twice(timeout: float | None) -> None:
    event = Event()
    waiting: list[gevent.Greenlet] = []
    unpark_all = event._waiting.unpark_all

    class Slow(type(event._waiting)):  # type: ignore[misc]
        def unpark_all(self) -> None:
            if not waiting:  # the flag is set, nobody is woken yet: somebody sees it, and waits for the next
                assert event.wait(0) is True
                event.clear()
                waiting.append(gevent.spawn(event.wait, timeout))
                until(lambda: self.parked)
            unpark_all()

    slow = Slow()
    slow.parked = event._waiting.parked
    event._waiting = slow
    event.send()
    if timeout is None:
        gevent.sleep(0.01)
        assert not waiting[0].ready()
        event.send()
    assert waiting[0].get() is (timeout is None)


def test_clears_that_come_late_do_not_touch_a_later_send() -> None:
    event = Event()
    event.send()
    earlier = event._latest
    event.clear()
    event.send()
    earlier.cleared = True  # what a slow clear() does
    assert event.is_set()


def test_a_killed_waiter_is_forgotten() -> None:
    event = Event()
    waiting = gevent.spawn(event.wait)
    until(lambda: event._waiting.parked)
    waiting.kill()
    assert not event._waiting.parked


def test_not_in_the_hub_itself() -> None:
    event = Event()
    raised: list[type] = []

    def callback() -> None:
        assert event.wait(0) is False
        with pytest.raises(gevent.exceptions.BlockingSwitchOutError) as caught:
            event.wait()
        raised.append(caught.type)

    gevent.get_hub().loop.run_callback(callback)
    until(lambda: raised)
    assert not event._waiting.parked


def test_repr() -> None:
    event = Event()
    assert repr(event) == "<Event not sent, 0 waiting>"
    event.send()
    assert repr(event) == "<Event sent, 0 waiting>"
