"""A message that is waited for."""

from __future__ import annotations

import inspect
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from .event_group import EventGroup
from .reply import Reply

__all__ = ["SyncIndex", "watching"]

SLICE_S = 0.05
"""So late, at most, is a failure noticed; success is noticed at once."""

watching: ContextVar[SyncIndex | None] = ContextVar("watching", default=None)


class SyncIndex:
    """``with SyncIndex(group) as index:`` send a message with the index; the end waits until it is set.

    The event is given back in any case. What ends the wait instead of the event: an exception of the body, an
    exception of a command that was sent in it (which is raised here), the death of a backend that was sent
    something (BackendDied).
    """

    def __init__(self, event_group: EventGroup) -> None:
        self._group = event_group
        self._replies: list[Reply] = []

    def watch(self, reply: Reply) -> None:
        """A reply that comes only if its command fails."""
        self._replies.append(reply)

    def __enter__(self) -> int:
        self._index, self._event = self._group.reserve()
        self._token = watching.set(self)
        return self._index

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        watching.reset(self._token)
        try:
            if error is None:
                self._wait()
        finally:
            self._replies.clear()
            self._group.release_ind(self._index)

    def _wait(self) -> None:
        if not _can_be_limited(self._event):
            self._event.wait()
            return
        while not self._event.wait(SLICE_S):
            for reply in self._replies:
                if reply.done() and not self._event.wait(0):
                    reply.result()


def _can_be_limited(event: Any) -> bool:
    """Does its ``wait`` take a timeout?"""
    try:
        return bool(inspect.signature(event.wait).parameters)
    except (TypeError, ValueError):
        return True
