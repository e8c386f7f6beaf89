"""One resource for each thread, that dies with it."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ._native import ThreadLocal
from .lock import RLock

__all__ = ["ThreadResource"]

T = TypeVar("T")


class _Holder(Generic[T]):
    __slots__ = ("__weakref__", "resource")

    def __init__(self, resource: T) -> None:
        self.resource = resource


class _Slot(ThreadLocal):
    """What one thread has of one ThreadResource. ``making`` lets its greenlets make it only once."""

    def __init__(self) -> None:
        self.holder: _Holder[Any] | None = None
        self.making = RLock()


class ThreadResource(Generic[T]):
    """``init_resource()`` makes a thread's resource, in that thread, when it first asks for it.

    Only the thread's own storage holds the resource: it is released in its thread, when that ends (before
    ``threading.Thread.join`` returns), even if others still know the thread's object.
    """

    __slots__ = ("__weakref__", "_holders", "_init_resource", "_numbers", "_slot")

    def __init__(self, init_resource: Callable[[], T]) -> None:
        self._init_resource = init_resource
        self._slot = _Slot()
        self._numbers = itertools.count()
        self._holders: dict[int, weakref.ref[_Holder[T]]] = {}

    def get(self) -> T:
        """The current thread's resource, made now if there is none."""
        holder = self._slot.holder
        if holder is None:
            with self._slot.making:
                holder = self._slot.holder
                if holder is None:
                    holder = self._slot.holder = self._register(self._init_resource())
        return holder.resource

    def pop(self) -> T | None:
        """Forget the current thread's resource, and return it (None: there was none)."""
        holder, self._slot.holder = self._slot.holder, None
        return None if holder is None else holder.resource

    def __iter__(self) -> Iterator[T]:
        """The resources of all threads that have one now, in the order of their making."""
        for reference in list(self._holders.values()):
            holder = reference()
            if holder is not None:
                yield holder.resource

    def _register(self, resource: T) -> _Holder[T]:
        number, holders = next(self._numbers), self._holders
        holder = _Holder(resource)
        holders[number] = weakref.ref(holder, lambda _: holders.pop(number, None))
        return holder
