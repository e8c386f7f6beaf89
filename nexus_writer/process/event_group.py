"""Events that are made before the backends are, and handed out one by one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .errors import NotEnoughEvents
from .process_event import ProcessEvent

__all__ = ["EventGroup"]


class EventGroup:
    """A frontend reserves an event, sends its index, waits for it, and releases it; a backend sets it.

    Any number of threads may reserve and release. Events are handed out in the order in which they were
    released. ``event_class`` makes objects with ``set``, ``clear`` and ``wait``; multiprocessing.Event is
    one, as long as its processes are started by multiprocessing's default start method.
    """

    def __init__(self, n: int = 10, event_class: Callable[[], Any] = ProcessEvent) -> None:
        self.events = [event_class() for _ in range(n)]
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._free = deque(range(len(self.events)))
        self._is_free = [True] * len(self.events)

    def reserve(self) -> tuple[int, Any]:
        """Index and event; the event is cleared. Raises NotEnoughEvents."""
        with self._lock:
            if not self._free:
                raise NotEnoughEvents(len(self.events))
            index = self._free.popleft()
            self._is_free[index] = False
        event = self.events[index]
        event.clear()
        return index, event

    def release(self, event: Any) -> None:
        """Give an event back. Raises ValueError if it is not this group's, or not reserved."""
        self.release_ind(self.asIndex(event))

    def release_ind(self, index: int) -> None:
        """The same by its index."""
        self.fromIndex(index)
        with self._lock:
            if self._is_free[index]:
                raise ValueError(f"event {index} is not reserved: release it once")
            self._is_free[index] = True
            self._free.append(index)

    def set(self, i: int) -> None:
        """Set the event of an index, in the backend. Raises IndexError."""
        self._at(i).set()

    def fromIndex(self, i: int) -> Any:
        """The event of an index. Raises ValueError."""
        try:
            return self._at(i)
        except IndexError as error:
            raise ValueError(str(error)) from None

    def asIndex(self, event: Any) -> int:
        """The index of an event. Raises ValueError."""
        for index, one in enumerate(self.events):
            if one is event:
                return index
        raise ValueError("the event is not of this group: release it in the group that it was reserved in")

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        states = (f"{'f' if free else 'R'}{index}" for index, free in enumerate(self._is_free))
        return f"<EventGroup: {' '.join(states)}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"events": self.events}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.events = state["events"]
        self._reset()

    def _at(self, index: int) -> Any:
        if not 0 <= index < len(self.events):
            raise IndexError(f"no event {index}: this group has {len(self.events)}")
        return self.events[index]
