from __future__ import annotations

import threading
from time import monotonic

import gevent
import pytest
from gevent import get_hub

from nexus_writer.concurrency._parking import ParkingLot, nothing_to_pass_on

from .conftest import Place, outcome, until


def never() -> bool:
    return False


@pytest.fixture
def lot() -> ParkingLot:
    return ParkingLot()


def test_woken(place: Place, lot: ParkingLot) -> None:
    future = place.run(lot.park, None, never, nothing_to_pass_on)
    until(lambda: lot.parked)
    assert lot.unpark_one()
    assert outcome(future) is True
    assert not lot.parked


def test_time_is_over(place: Place, lot: ParkingLot) -> None:
    begun = monotonic()
    future = place.run(lot.park, 0.05, never, nothing_to_pass_on)
    assert outcome(future) is False
    assert monotonic() - begun >= 0.045
    assert not lot.parked
    assert not lot.unpark_one()


def test_satisfied_is_asked_after_registration(place: Place, lot: ParkingLot) -> None:
    def satisfied() -> bool:
        assert len(lot.parked) == 1
        return True

    assert outcome(place.run(lot.park, None, satisfied, nothing_to_pass_on)) is True
    assert not lot.parked


def test_a_wake_up_of_one_who_was_satisfied_meanwhile_is_passed_on(place: Place, lot: ParkingLot) -> None:
    passed_on: list[int] = []

    def satisfied() -> bool:
        return lot.unpark_one()

    assert outcome(place.run(lot.park, None, satisfied, lambda: passed_on.append(1))) is True
    assert passed_on == [1]


def test_an_error_while_waiting_leaves_no_trace(place: Place, lot: ParkingLot) -> None:
    def satisfied() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outcome(place.run(lot.park, None, satisfied, nothing_to_pass_on))
    assert not lot.parked


def test_first_come_first_woken(lot: ParkingLot) -> None:
    woken: list[int] = []

    def wait(number: int) -> None:
        lot.park(None, never, nothing_to_pass_on)
        woken.append(number)

    waiting = []
    for number in range(5):
        waiting.append(gevent.spawn(wait, number))
        until(lambda number=number: len(lot.parked) == number + 1)
    for _ in range(5):
        lot.unpark_one()
    gevent.joinall(waiting, raise_error=True)
    assert woken == [0, 1, 2, 3, 4]


def test_unpark_all(place: Place, lot: ParkingLot) -> None:
    futures = [place.run(lot.park, None, never, nothing_to_pass_on) for _ in range(3)]
    until(lambda: len(lot.parked) == 3)
    lot.unpark_all()
    assert [outcome(future) for future in futures] == [True] * 3


def test_killed_before_the_wake_up(lot: ParkingLot) -> None:
    passed_on: list[int] = []
    waiting = gevent.spawn(lot.park, None, never, lambda: passed_on.append(1))
    until(lambda: lot.parked)
    waiting.kill()
    assert not lot.parked
    assert not lot.unpark_one()
    assert passed_on == []


def test_killed_between_the_wake_up_and_its_delivery(lot: ParkingLot) -> None:
    passed_on: list[int] = []
    waiting = gevent.spawn(lot.park, None, never, lambda: passed_on.append(1))
    until(lambda: lot.parked)
    waiting.kill(block=False)  # in the next turn of the loop, before the delivery
    assert lot.unpark_one()
    waiting.join()
    assert passed_on == [1]


def test_a_timeout_of_gevent_between_the_wake_up_and_its_delivery(lot: ParkingLot) -> None:
    passed_on: list[int] = []

    def wait() -> str:
        try:
            with gevent.Timeout(0.01):
                lot.park(None, never, lambda: passed_on.append(1))
        except gevent.Timeout:
            return "timeout"
        return "woken"

    waiting = gevent.spawn(wait)
    until(lambda: lot.parked)
    keep_the_hub_from_running(0.03)
    assert lot.unpark_one()  # both the timer and the wake-up are due when the hub runs next
    assert (waiting.get(), passed_on) in (("timeout", [1]), ("woken", []))


def keep_the_hub_from_running(duration_s: float) -> None:
    deadline = monotonic() + duration_s
    while monotonic() < deadline:
        pass


def test_a_gift_outranks_a_timeout(lot: ParkingLot) -> None:
    passed_on: list[int] = []
    waiting = gevent.spawn(lot.park, 0.01, never, lambda: passed_on.append(1))
    until(lambda: lot.parked)
    keep_the_hub_from_running(0.03)
    assert lot.unpark_one()  # both the timer and the wake-up are due when the hub runs next
    assert waiting.get() is True
    assert passed_on == []


def test_waiters_of_an_ended_hub_are_skipped(lot: ParkingLot) -> None:
    def main() -> None:
        for _ in range(3000):  # far more than the stack is deep
            gevent.spawn(lot.park, None, never, lot.unpark_one)
        until(lambda: len(lot.parked) == 3000)
        get_hub().destroy()

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert len(lot.parked) == 3000
    last = gevent.spawn(lot.park, None, never, nothing_to_pass_on)
    until(lambda: len(lot.parked) == 3001)
    assert lot.unpark_one()
    assert last.get() is True


def test_the_wake_up_of_a_hub_that_ends_before_it_runs_is_passed_on(lot: ParkingLot) -> None:
    passed_on: list[int] = []

    def main() -> None:
        gevent.spawn(lot.park, None, never, lambda: passed_on.append(1))
        until(lambda: lot.parked)
        assert lot.unpark_one()

    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
    assert passed_on == [1]
