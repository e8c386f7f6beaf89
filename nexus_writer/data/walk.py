"""Walks: the nodes below a node, and what happens to them, as it was and as it comes.

Within what Redis has at one moment the order is: NEW_NODE (a parent before its children, level by level),
PREPARED_SCAN, NEW_DATA, END_SCAN. So nothing else is told before all nodes that are announced have been
found, and the end of a scan waits until a reading made after it, or with it, left nothing of it behind.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Self, Unpack

import redis

from nexus_writer.data import keys
from nexus_writer.data.events import Event, EventData, EventType
from nexus_writer.data.existing import existing_nodes, last_node
from nexus_writer.data.followed import Followed
from nexus_writer.data.info import announced_key, exception_of, fetch_records, pairs
from nexus_writer.data.link import Link
from nexus_writer.data.nodes import DataNode, make_node
from nexus_writer.data.stream_id import from_now_on, parsed, stream_id
from nexus_writer.data.streams import FIRST, RawEntry
from nexus_writer.data.walk_filter import NodeFilter, WalkFilters, check_filter
from nexus_writer.data.walk_options import WalkOptions, check_options
from nexus_writer.data.walk_state import WalkState

IDLE_BLOCK_S = 5.0
SILENCE_S = 10.0


class Walk(Iterator[Event]):
    """Events below ``node``, one by one; a context manager where the loop may be left early.

    After a redis.ConnectionError, or an iteration that was killed while it waited, iterating further makes a
    new connection and goes on where it was: nothing is lost, nothing comes twice. ``close`` and the stop
    handler end it from anywhere. Without ``events`` there are new nodes only, and of a scan that is excluded
    no stream is read: it is told of whenever it is announced. Not ``in_order``: what appears in a dataset
    that was quiet for long may be told 0.25 s after what came later elsewhere (:mod:`.quiet_streams`).
    """

    def __init__(
        self,
        node: DataNode,
        include_filter: NodeFilter = None,
        *,
        events: bool = True,
        in_order: bool = True,
        **options: Unpack[WalkOptions],
    ) -> None:
        check_filter(include_filter, "include_filter")
        check_options(options)
        self.node = node
        self._link = Link(node.connection, silence_s=SILENCE_S)
        self._active_streams = options.get("active_streams")
        self._state = WalkState.of(self._active_streams, options.get("excluded_stream_names", ()))
        self._streams = self._state.streams
        self._known = self._state.known
        self._ready = self._state.ready
        self._with_events = events
        self._told_only: set[str] = set()
        self._filters = WalkFilters.of(include_filter, options)
        self._wait = options.get("wait", True)
        self._may_rest = not in_order and self._wait and self._active_streams is None
        self._started_event = options.get("started_event")
        self._first_id = _first_id(options.get("first_index", 0), node.connection)
        self._iterating = self._closed = False
        self._stop_handler = options.get("stop_handler")
        if self._stop_handler is not None:
            self._stop_handler.attach(self._link)

    def __next__(self) -> Event:
        event = self.next_within(None)
        if event is None:
            raise StopIteration
        return event

    def next_within(self, timeout_s: float | None) -> Event | None:
        """The next event; None when none came in time, and when the walk is ``over``.

        Raises redis.ConnectionError, also when Redis does not come back within the time.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._iterating = True
        try:
            while not self._ready and not self.over:
                left_s = IDLE_BLOCK_S if deadline is None else deadline - time.monotonic()
                self._advance(left_s)
                if left_s <= 0:
                    break
        except redis.ConnectionError:
            if not self.over:
                raise
        finally:
            self._iterating = False
            if self._active_streams is not None:
                self._state.tell(self._active_streams)
            if self.over:
                self.close()
        if self.over or not self._ready:
            return None
        return self._ready.popleft()

    def next_several(self, most: int) -> list[Event]:
        """The next event, and what is known beyond it without asking Redis, up to ``most``."""
        events = [next(self)]
        while self._ready and len(events) < most and not self.over:
            events.append(self._ready.popleft())
        return events

    def rest(self, seconds: float) -> None:
        """Wait, before a Redis that is away is asked again; not longer than until it is closed or stopped."""
        self._link.rest(seconds)

    def close(self) -> None:
        """End it and give up the connection; an iteration that waits for Redis ends too."""
        self._closed = True
        if self._stop_handler is not None:
            self._stop_handler.detach(self._link)
        self._link.interrupt()
        if not self._iterating:
            self._link.drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    @property
    def over(self) -> bool:
        """Whether nothing more will be told."""
        return self._closed or (self._stop_handler is not None and self._stop_handler.stopped)

    def _advance(self, wait_s: float) -> None:
        """One step: after it there are events to tell, or not, or the walk is over."""
        if not self._link.connected:
            self._look_at_server()
        if not self._state.started:
            self._start()
        self._tell_that_it_started()
        self._settle()
        if self._ready:
            return
        if self._may_rest:
            self._streams.rest()
        block = self._wait and not self._streams.behind and wait_s > 0
        block_ms = max(1, round(1000 * min(wait_s, IDLE_BLOCK_S)))
        new = self._streams.read(self._link, block_ms=block_ms if block else None)
        self._settle()
        if len(self._streams) == 0 or not (new or self._ready or self._wait or self._streams.behind):
            self._closed = True

    def _look_at_server(self) -> None:
        """A server that was started anew may have lost its nodes: those of the same names are new then."""
        run_id = server_run_id(self._link)
        if run_id != self._state.run_id:
            self._known.clear()
        self._state.run_id = run_id

    def _start(self) -> None:
        """Follow what is there. Doing it again, after an interruption, does no harm."""
        top = fetch_records(self._link, [self.node.db_name])[0]
        node = self.node if top is None else make_node(top, self.node.connection)
        scan_of = {node.db_name: self._follow(node, None, excluded=False)}
        if self._first_id != FIRST:
            descends = self._filters.descends_into_existing
            for found in existing_nodes(self._link, node, until=self._first_id, descend=descends):
                scan = found.node.db_name if found.is_scan else scan_of.get(found.parent)
                scan_of[found.node.db_name] = scan
                if found.has_children and descends(found.node):
                    self._streams.follow_children(found.node, scan, self._first_id)
        self._state.started = True

    def _tell_that_it_started(self) -> None:
        event, self._started_event = self._started_event, None
        if event is not None:
            event.set()

    def _follow(self, node: DataNode, scan: str | None, *, excluded: bool) -> str | None:
        """Follow the streams of a node; the key of the scan that it is, or belongs to."""
        if node.type in keys.CHANNEL_TYPES:
            if self._with_events and self._filters.may_include_type(node.type):
                self._streams.follow_data(node, scan)
            return scan
        if node.type in keys.SCAN_TYPES:
            scan = node.db_name
            if self._with_events:
                self._streams.follow_scan(node)
        if not excluded:
            self._streams.follow_children(node, scan, self._first_id)
        return scan

    def _settle(self) -> None:
        """Make events of what the streams brought. An item leaves its queue when its event is there."""
        streams = self._streams
        while streams.announced:
            batch = list(streams.announced)
            self._tell_nodes(batch)
            streams.read(self._link, block_ms=None, control_only=True)
            for _ in batch:
                streams.announced.popleft()
            self._known[None] -= self._told_only
            self._told_only.clear()
        while streams.prepared:
            followed, entry = streams.prepared[0]
            self._tell(EventType.PREPARED_SCAN, followed.node, _time_data("PREPARED_SCAN", entry))
            streams.prepared.popleft()
        while streams.points:
            self._tell_points(*streams.points[0])
            streams.points.popleft()
        for _ in range(len(streams.ends)):
            if streams.is_complete(streams.ends[0][0].scan):
                self._tell_end(*streams.ends[0])
                streams.ends.popleft()
            else:
                streams.ends.rotate(-1)

    def _tell_nodes(self, batch: list[tuple[Followed, RawEntry]]) -> None:
        new: dict[str, str | None] = {}
        for followed, entry in batch:
            key = announced_key(pairs(entry[1]))
            if key is not None and key not in self._known[followed.scan]:
                new[key] = followed.scan
        if not new:
            return
        for record in fetch_records(self._link, list(new)):
            if record is None or not record.is_usable():
                continue
            node = make_node(record, self.node.connection)
            excluded = self._filters.excludes(node)
            self._tell(EventType.NEW_NODE, node, None)
            self._follow(node, new[record.key], excluded=excluded)
            if excluded and record.node_type in keys.SCAN_TYPES and not self._with_events:
                self._told_only.add(record.key)
            self._known[new[record.key]].add(record.key)

    def _tell_points(self, followed: Followed, entries: list[RawEntry]) -> None:
        if followed.points is None or not self._filters.includes(followed.node):
            return
        self._ready += followed.points.of(entries)
        if followed.points.given_up:
            self._streams.forget(keys.data(followed.node.db_name))

    def _tell_end(self, followed: Followed, entry: RawEntry) -> None:
        scan = followed.node.db_name
        self._tell(EventType.END_SCAN, followed.node, _time_data("END_SCAN", entry, exception_of(entry)))
        below_only = scan == self.node.db_name
        self._streams.forget_scan(scan, below_only=below_only)
        if not below_only:
            self._known.pop(scan, None)
            self._known[None].discard(scan)

    def _tell(self, event_type: EventType, node: DataNode, data: EventData | None) -> None:
        if self._filters.includes(node):
            self._ready.append(Event(event_type, node, data))


def walk_nodes(
    node: DataNode, include_filter: NodeFilter = None, **options: Unpack[WalkOptions]
) -> Iterator[DataNode]:
    """The nodes of a walk without its other events."""
    return _nodes(Walk(node, include_filter, events=False, **options))


def walk_from_last(
    node: DataNode,
    include_filter: NodeFilter = None,
    *,
    include_last: bool = True,
    **options: Unpack[WalkOptions],
) -> Iterator[DataNode]:
    """The node that fits and was announced last (without ``include_last`` not itself), then what follows."""
    since = from_now_on(node.connection)
    last = last_node(node, WalkFilters.of(include_filter, options))
    if last is not None:
        since = last.id
        if include_last:
            yield last.node
    options["first_index"] = since
    yield from walk_nodes(node, include_filter, **options)


def _nodes(walk: Walk) -> Iterator[DataNode]:
    with walk:
        for event in walk:
            yield event.node


def server_run_id(link: Link) -> bytes:
    """What tells one run of a Redis server from the next; empty where the server does not say."""
    try:
        answer: bytes = link.call(b"INFO", b"server")
    except redis.ResponseError:
        return b""
    lines = [line for line in answer.splitlines() if line.startswith(b"run_id:")]
    return lines[0] if lines else b""


def _first_id(first_index: int | str | bytes | None, connection: redis.Redis) -> bytes:
    if first_index is None:
        return from_now_on(connection)
    return stream_id(first_index)


def _time_data(name: str, entry: RawEntry, exception: str | None = None) -> EventData:
    time_ms, _ = parsed(entry[0])
    return EventData(time_ms, name, exception)
