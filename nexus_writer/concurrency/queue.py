"""A queue between greenlets of any hub and plain threads.

Putting is one ``deque.append``; a wake-up is sent only when somebody sleeps, and whoever is woken takes
what is there, so a busy queue costs no wake-ups at all. A woken getter may find that another one was
faster: it goes on waiting. A getter that was woken and does not take an item (killed, or served already)
wakes the next one if there are items: no item lies in the queue while somebody sleeps.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from queue import Empty, Full
from time import monotonic
from typing import Generic, TypeVar, cast

from ._parking import ParkingLot
from ._permits import Permits

__all__ = ["Queue"]

T = TypeVar("T")
_NOTHING = object()


class Queue(Generic[T]):
    """First in, first out, for each producer. ``maxsize`` items at most when it is above 0."""

    __slots__ = ("__weakref__", "_getters", "_items", "_places")

    def __init__(self, maxsize: int = 0) -> None:
        self._items: deque[T] = deque()
        self._getters = ParkingLot()
        self._places = Permits(maxsize) if maxsize > 0 else None

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        """A queue is an object, not a collection: true also when empty."""
        return True

    def put(self, item: T, timeout: float | None = None) -> None:
        """Wait for a place, ``timeout`` seconds at most (None: no limit; 0: a try): else ``queue.Full``."""
        if self._places is not None and not self._places.acquire(timeout):
            raise Full(f"the queue had no place for {timeout} s: its consumer is too slow, or stopped")
        self._items.append(item)
        if self._getters.parked:
            self._getters.unpark_one()

    def get(self, timeout: float | None = None) -> T:
        """Wait for an item, ``timeout`` seconds at most (None: no limit; 0: a try): else ``queue.Empty``."""
        item: T | object
        try:
            item = self._items.popleft()
        except IndexError:
            item = _NOTHING
        if item is _NOTHING:
            item = self._wait_for_item(timeout)
        if self._places is not None:
            self._places.release()
        return cast(T, item)

    def get_all(self, timeout: float | None = None) -> list[T]:
        """The items there are now; when there is none, wait for the first as ``get`` does."""
        items = [self.get(timeout)]
        with suppress(IndexError):  # another getter was faster
            for _ in range(
                len(self._items)
            ):  # and not until it is empty: a fast producer may never let it be
                items.append(self._items.popleft())
        if self._places is not None:
            for _ in range(len(items) - 1):
                self._places.release()
        return items

    def _wait_for_item(self, timeout: float | None) -> T:
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            remaining_s = None if deadline is None else deadline - monotonic()
            if remaining_s is not None and remaining_s <= 0:
                raise Empty(f"no item came for {timeout} s")
            self._getters.park(remaining_s, self._has_items, self._pass_on)
            with suppress(IndexError):  # the time is over, or another getter was faster
                return self._items.popleft()

    def _has_items(self) -> bool:
        return bool(self._items)

    def _pass_on(self) -> None:
        if self._items:
            self._getters.unpark_one()
