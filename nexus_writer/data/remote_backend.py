"""A walk in a process of its own.

The caller has ``CREDITS`` requests for a batch under way, and makes a new one when it has used one up. So the
walk is that far ahead, and no further: a caller that is slow slows the walk, and Redis keeps the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

from nexus_writer.data.connection import connect, masked
from nexus_writer.data.errors import NoSuchNode
from nexus_writer.data.events import Event, EventData, EventType
from nexus_writer.data.nodes import DataNode, get_node, get_session_node
from nexus_writer.data.remote_content import Batch, Failed, NodeContent, Started, WalkEnded, content_of
from nexus_writer.data.walk import Walk, walk_from_last
from nexus_writer.process import MessageObject, MessageProcess
from nexus_writer.process.failure import Failure

__all__ = ["CREDITS", "Kind", "WalkProcess"]

CREDITS = 4
MOST_EVENTS = 500
"""Of a batch. (Events of one batch come from one reply of Redis, so its size is bounded by that.)"""

Kind = Literal["events", "nodes", "from last"]
_INFO_CHANGES = (EventType.PREPARED_SCAN, EventType.END_SCAN)


class WalkProcess(MessageProcess):
    """A request is answered by a Batch, Failed or WalkEnded; Started may come before."""

    import_main = False
    timeout = 60.0

    def __init__(self, url: str, key: str, kind: Kind, arguments: dict[str, Any], tells_start: bool) -> None:
        super().__init__(f"walk {key}", start_method="spawn")
        self.url = url
        self.key = key
        self.kind = kind
        self.arguments = arguments
        self.tells_start = tells_start
        self.failures = 0
        self._next: Callable[[], list[Event]] | None = None
        self._numbers: dict[str, int] = {}

    def ask(self) -> None:
        """The frontend's: all requests; those that are still under way from before a failure do not count."""
        for _ in range(CREDITS):
            self.ask_more()

    def ask_more(self) -> None:
        """The frontend's: one request."""
        self.sendMessageToBack(MessageObject("more", failures=self.failures))

    def c__more(self, failures: int) -> None:
        if failures < self.failures:
            return
        try:
            if self._next is None:
                self._next = self._opened()
            answer: Any = self._batch(self._next())
        except StopIteration:
            answer = WalkEnded()
        except Exception as error:
            self.failures += 1
            answer = Failed(Failure(error), self.failures)
        self.send_out__(answer)

    def set(self) -> None:
        """For the walk this is an event, which it sets."""
        self.send_out__(Started())

    def _opened(self) -> Callable[[], list[Event]]:
        connection = connect(self.url)
        node: DataNode | None = get_node(self.key, connection)
        if node is None:
            if ":" in self.key:
                raise NoSuchNode(self.key, masked(self.url))
            node = get_session_node(self.key, connection)
        options = {**self.arguments, **({"started_event": self} if self.tells_start else {})}
        if self.kind == "from last":
            return partial(_next_new_node, walk_from_last(node, **options))
        return partial(Walk(node, events=self.kind == "events", **options).next_several, MOST_EVENTS)

    def _batch(self, events: list[Event]) -> Batch:
        nodes: dict[int, NodeContent] = {}
        told = []
        for event in events:
            key = event.node.db_name
            is_new = key not in self._numbers
            number = self._numbers.setdefault(key, len(self._numbers))
            if is_new or event.type in _INFO_CHANGES:
                nodes[number] = content_of(event.node, self.url)
            told.append((event.type, number, self._data(event.data)))
        return Batch(nodes, told)

    def _data(self, data: EventData | None) -> EventData | None:
        if data is None or not isinstance(data.data, list):
            return data
        found = [content_of(one, self.url) if isinstance(one, DataNode) else one for one in data.data]
        return EventData(data.first_index, found, data.description, data.block_size)


def _next_new_node(nodes: Iterator[DataNode]) -> list[Event]:
    return [Event(EventType.NEW_NODE, next(nodes), None)]
