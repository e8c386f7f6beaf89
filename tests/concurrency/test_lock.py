from __future__ import annotations

import threading
from collections.abc import Callable

import gevent
import pytest
from gevent import GreenletExit

from nexus_writer.concurrency import Lock, RLock, Thread

from .conftest import Place, outcome, until

AnyLock = Lock | RLock
both = pytest.mark.parametrize("kind", [Lock, RLock])


def locked_by(place: Place, lock: AnyLock) -> tuple[Callable[[], None], object]:
    """Have ``place`` hold the lock until the function is called."""
    go = threading.Event()

    def hold() -> None:
        with lock:
            until(go.is_set) if place.greenlets else go.wait()

    future = place.run(hold)
    until(lock.locked)
    return go.set, future


@both
def test_with(kind: type[AnyLock], place: Place) -> None:
    lock = kind()

    def use() -> bool:
        with lock:
            return lock.locked()

    assert outcome(place.run(use)) is True
    assert not lock.locked()


@both
def test_released_by_an_error(kind: type[AnyLock]) -> None:
    lock = kind()
    with pytest.raises(ZeroDivisionError), lock:
        raise ZeroDivisionError
    assert not lock.locked()


@both
def test_excludes_others_until_released(kind: type[AnyLock], place: Place) -> None:
    lock = kind()
    let_go, future = locked_by(place, lock)
    assert lock.acquire(blocking=False) is False
    assert lock.acquire(timeout=0) is False
    assert lock.acquire(timeout=-1) is False
    assert lock.acquire(timeout=0.02) is False
    let_go()
    assert lock.acquire() is True
    outcome(future)
    lock.release()


@both
def test_waits_in_any_place(kind: type[AnyLock], place: Place) -> None:
    lock = kind()
    lock.acquire()
    future = place.run(lambda: lock.acquire() and lock.release())
    until(lambda: lock._permits._waiting.parked)
    lock.release()
    outcome(future)
    assert not lock.locked()


@both
def test_release_by_another_greenlet_is_refused(kind: type[AnyLock], place: Place) -> None:
    lock = kind()
    lock.acquire()
    with pytest.raises(RuntimeError, match="in the greenlet that acquired it"):
        outcome(place.run(lock.release))
    assert lock.locked()
    lock.release()
    with pytest.raises(RuntimeError, match="owned by no greenlet"):
        lock.release()


def test_greenlets_of_one_thread_are_different_owners() -> None:
    lock = RLock()
    with lock:
        assert gevent.spawn(lock.acquire, timeout=0).get() is False


def test_rlock_is_free_after_as_many_releases(place: Place) -> None:
    lock = RLock()
    with lock, lock:
        with lock:
            pass
        lock.release()
        assert outcome(place.run(lock.acquire, False)) is False
        lock.acquire()
    assert outcome(place.run(lock.acquire, False)) is True


def test_lock_tells_its_owner_of_the_deadlock() -> None:
    lock = Lock()
    with lock:
        assert lock.acquire(blocking=False) is False
        assert lock.acquire(timeout=0.01) is False
        with pytest.raises(RuntimeError, match="use an RLock"):
            lock.acquire()


@both
def test_handed_over_in_the_order_of_asking(kind: type[AnyLock], thread: Thread) -> None:
    lock = kind()
    order: list[int] = []

    def take(number: int) -> None:
        with lock:
            order.append(number)

    calls = []
    with lock:
        for number in range(6):
            calls.append(gevent.spawn(take, number) if number % 2 else thread.spawn(take, number))
            until(lambda number=number: len(lock._permits._waiting.parked) == number + 1)
    for call in calls:
        call.get()
    assert order == [0, 1, 2, 3, 4, 5]


@both
@pytest.mark.parametrize("exception", [GreenletExit, gevent.Timeout])
def test_a_killed_waiter_hands_the_lock_on(
    kind: type[AnyLock], exception: type[BaseException], place: Place
) -> None:
    lock = kind()
    lock.acquire()
    killed = gevent.spawn(_expect, exception, lock.acquire)
    until(lambda: len(lock._permits._waiting.parked) == 1)
    next_one = place.run(lambda: lock.acquire() and lock.release())
    until(lambda: len(lock._permits._waiting.parked) == 2)
    killed.kill(exception, block=False)
    lock.release()  # to the one that is being killed
    assert killed.get() is True
    outcome(next_one)
    assert not lock.locked()


def _expect(exception: type[BaseException], func: Callable[[], object]) -> bool:
    with pytest.raises(exception):
        func()
    return True


@both
def test_a_lock_on_its_way_into_an_ending_thread_is_not_lost(kind: type[AnyLock]) -> None:
    lock = kind()
    lock.acquire()
    stands_still, end = threading.Event(), threading.Event()

    def main() -> None:
        gevent.spawn(lock.acquire)
        until(lambda: lock._permits._waiting.parked)
        stands_still.set()
        end.wait()  # the hub does not run any more

    thread = threading.Thread(target=main)
    thread.start()
    stands_still.wait()
    lock.release()  # to the greenlet in the other thread
    assert lock.acquire(timeout=0) is False
    end.set()
    assert lock.acquire(timeout=10) is True
    thread.join()


@both
def test_repr(kind: type[AnyLock]) -> None:
    lock = kind()
    assert repr(lock) == f"<{kind.__name__} free>"
    with lock:
        assert repr(lock).startswith(f"<{kind.__name__} of <")
