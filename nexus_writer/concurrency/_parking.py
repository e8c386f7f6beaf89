"""Where greenlets and threads wait: in the order of their coming, for a wake-up by any thread.

A waiter is claimed exactly once, by an atomic try of a native lock: either by the one who wakes it, or by
itself when its time is over or it is killed. So there is no moment at which both believe that they won.

* Whoever wakes a waiter gives it something: a lock, or the news that an item is there. If the waiter can
  not use it (killed between the claim and its next step; satisfied by itself meanwhile; its hub ended
  before the delivery), ``pass_on`` is called, once, and hands the gift to the next one.
* A waiter that was woken *and* whose time is over was woken: a gift outranks a timeout.
* A waiter registers first and looks again (``satisfied``) before it sleeps. Whoever gives changes the
  state first and looks for waiters after. So one of the two sees the other.

A greenlet waits by switching to its hub; a thread that has no hub has no other greenlets to run, and so
waits on a native lock (which is faster, and leaves no hub behind).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress

from gevent.hub import Waiter

from ._native import allocate_lock
from ._waker import current_waker, get_hub_if_exists

__all__ = ["ParkingLot", "nothing_to_pass_on"]


def nothing_to_pass_on() -> None:
    """``pass_on`` where a wake-up is no more than news that all waiters get."""


class _Parked:
    """One wait. ``wake`` may come from any thread."""

    __slots__ = ("_claim", "_gift")

    def __init__(self, pass_on: Callable[[], None]) -> None:
        self._claim = allocate_lock()
        self._gift = [pass_on]

    def withdraw(self) -> bool:
        """True: nobody woke this waiter, and nobody will."""
        return self._claim.acquire(False)

    def wake(self) -> bool:
        """False: it does not wait any more, and was given nothing."""
        return self._claim.acquire(False) and self._notify()

    def accept(self) -> bool:
        """Keep what the wake-up carried; False: it was passed on already."""
        try:
            self._gift.pop()
        except IndexError:
            return False
        return True

    def lost(self) -> None:
        """Pass on what the wake-up carried, unless it was accepted."""
        try:
            pass_on = self._gift.pop()
        except IndexError:
            return
        pass_on()

    def sleep(self, timeout_s: float | None) -> None:
        """Until woken or ``timeout_s`` seconds are over: ``withdraw`` tells which."""
        raise NotImplementedError

    def _notify(self) -> bool:
        raise NotImplementedError


class _ParkedGreenlet(_Parked):
    __slots__ = ("_waiter", "_waker")

    def __init__(self, pass_on: Callable[[], None]) -> None:
        super().__init__(pass_on)
        self._waker = current_waker()
        self._waiter = Waiter(self._waker.hub)

    def deliver(self) -> None:
        self._waiter.switch(None)

    def _notify(self) -> bool:
        return self._waker.post(self)

    def sleep(self, timeout_s: float | None) -> None:
        if timeout_s is None:
            self._waiter.get()
            return
        timer = self._waker.hub.loop.timer(timeout_s)
        try:
            timer.start(self._waiter.switch, None, update=True)
            self._waiter.get()
        finally:
            timer.stop()
            timer.close()


class _ParkedThread(_Parked):
    __slots__ = ("_gate",)

    def __init__(self, pass_on: Callable[[], None]) -> None:
        super().__init__(pass_on)
        self._gate = allocate_lock()
        self._gate.acquire()

    def _notify(self) -> bool:
        self._gate.release()
        return True

    def sleep(self, timeout_s: float | None) -> None:
        self._gate.acquire(timeout=-1 if timeout_s is None else timeout_s)


class ParkingLot:
    """Those who wait for one thing. ``parked`` is true when there may be somebody."""

    __slots__ = ("parked",)

    def __init__(self) -> None:
        self.parked: deque[_Parked] = deque()

    def park(
        self, timeout_s: float | None, satisfied: Callable[[], bool], pass_on: Callable[[], None]
    ) -> bool:
        """Wait until woken or ``satisfied()`` is true (then True), ``timeout_s`` seconds at most (False).

        ``satisfied`` is asked once, before sleeping. Anything raised while waiting (GreenletExit, Timeout,
        KeyboardInterrupt) goes through, after the wake-up that came as well was passed on.
        """
        parked: _Parked = (_ParkedThread if get_hub_if_exists() is None else _ParkedGreenlet)(pass_on)
        self.parked.append(parked)
        try:
            if not satisfied():
                parked.sleep(timeout_s)
                return self._gift_of(parked)
        except BaseException:
            self._leave(parked)
            raise
        self._leave(parked)
        return True

    def unpark_one(self) -> bool:
        """Wake the one who waits longest; False: nobody waits."""
        while self.parked:
            try:
                parked = self.parked.popleft()
            except IndexError:
                return False
            if parked.wake():
                return True
        return False

    def unpark_all(self) -> None:
        """Wake everybody who waits now."""
        for _ in range(len(self.parked)):
            if not self.unpark_one():
                return

    def _gift_of(self, parked: _Parked) -> bool:
        if parked.withdraw():
            self._forget(parked)
            return False
        return parked.accept()

    def _leave(self, parked: _Parked) -> None:
        if parked.withdraw():
            self._forget(parked)
        else:
            parked.lost()

    def _forget(self, parked: _Parked) -> None:
        with suppress(ValueError):  # taken out by somebody who could not wake it
            self.parked.remove(parked)
