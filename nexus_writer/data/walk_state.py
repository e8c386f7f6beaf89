"""How far a walk is: what another walk needs to go on with it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection
from typing import Any, Self

from nexus_writer.data import keys
from nexus_writer.data.events import Event
from nexus_writer.data.followed import FollowedStreams


class WalkState:
    """``streams`` with their positions, the nodes that are ``known`` by scan, events that are ``ready`` to be
    told, the ``run_id`` of the server, and whether what was there at first has been looked at."""

    streams: FollowedStreams
    known: defaultdict[str | None, set[str]]
    ready: deque[Event]
    run_id: bytes
    started: bool

    def __init__(self, unread: Collection[str] = ()) -> None:
        self.streams = FollowedStreams(frozenset(map(keys.to_bytes, unread)))
        self.known = defaultdict(set)
        self.ready = deque()
        self.run_id = b""
        self.started = False

    @classmethod
    def of(cls, active_streams: dict[str, Any] | None, unread: Collection[str]) -> Self:
        """That of the walk which left ``active_streams``, else a new one. Raises TypeError."""
        if not active_streams:
            return cls(unread)
        state = next(iter(active_streams.values()))
        if not isinstance(state, cls):
            raise TypeError("active_streams is not from a walk: give an empty dict, or that of another walk")
        return state

    def tell(self, active_streams: dict[str, Any]) -> None:
        """Leave it there, for a walk that comes later."""
        active_streams.clear()
        active_streams.update(dict.fromkeys(map(keys.to_text, self.streams), self))
