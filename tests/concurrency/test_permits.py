from __future__ import annotations

import gevent

from nexus_writer.concurrency._permits import Permits

from .conftest import Place, outcome, until


def test_as_many_as_there_are() -> None:
    permits = Permits(2)
    assert [permits.take() for _ in range(3)] == [True, True, False]
    permits.release()
    assert permits.free() == 1


def test_a_try_does_not_wait(place: Place) -> None:
    permits = Permits(1)
    assert outcome(place.run(permits.acquire, 0)) is True
    assert outcome(place.run(permits.acquire, 0)) is False


def test_handed_over_and_never_free_meanwhile(place: Place) -> None:
    permits = Permits(1)
    assert permits.take()
    future = place.run(permits.acquire)
    until(lambda: permits._waiting.parked)
    permits.release()
    assert not permits.take()
    assert outcome(future) is True
    assert permits.free() == 0


def test_a_permit_on_its_way_to_a_killed_greenlet_goes_to_the_next_one(place: Place) -> None:
    permits = Permits(1)
    assert permits.take()
    first = gevent.spawn(permits.acquire)
    until(lambda: len(permits._waiting.parked) == 1)
    second = place.run(permits.acquire)
    until(lambda: len(permits._waiting.parked) == 2)
    first.kill(block=False)
    permits.release()
    assert len(permits._waiting.parked) == 1, "the permit was not on its way to the first one"
    assert outcome(second) is True
    assert permits.free() == 0


def test_one_who_comes_between_the_look_for_waiters_and_the_return_of_the_permit() -> None:
    # the worst moment: release() has found nobody, and has not put the permit back yet
    permits = Permits(1)
    assert permits.take()
    waiting: list[gevent.Greenlet] = []
    unpark_one = permits._waiting.unpark_one

    class Lot(type(permits._waiting)):  # type: ignore[misc]
        def unpark_one(self) -> bool:
            found = unpark_one()
            if not waiting:
                waiting.append(gevent.spawn(permits.acquire, 5))
                until(lambda: self.parked)
            return found

    lot = Lot()
    lot.parked = permits._waiting.parked
    permits._waiting = lot
    permits.release()
    assert waiting[0].get() is True
    assert permits.free() == 0
