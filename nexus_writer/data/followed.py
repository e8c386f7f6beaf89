"""The streams that a walk follows, and what they brought, in the order in which it is to be told."""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import Enum, auto

import redis

from nexus_writer.data import keys
from nexus_writer.data.link import Link
from nexus_writer.data.nodes import DataNode
from nexus_writer.data.point_events import PointEvents
from nexus_writer.data.quiet_streams import QuietStreams
from nexus_writer.data.streams import FIRST, RawEntry, Streams

WRONG_TYPE = "WRONGTYPE"
"""How Redis begins to say that a key holds something else than what is asked for."""
ENTRIES_PER_REPLY = 10_000

logger = logging.getLogger(__name__)


class Kind(Enum):
    """Kinds of stream."""

    CHILDREN = auto()
    PREPARED = auto()
    DATA = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Followed:
    """What a stream is to the walk. ``scan`` is the key of the scan that it belongs to, if there is one."""

    kind: Kind
    node: DataNode
    scan: str | None
    points: PointEvents | None = None


class FollowedStreams:
    """Streams by their node, and queues of what was read and is still to be told.

    Who takes something out of a queue does so when it has been told, not before: then an interruption loses
    nothing.
    """

    announced: deque[tuple[Followed, RawEntry]]
    prepared: deque[tuple[Followed, RawEntry]]
    points: deque[tuple[Followed, list[RawEntry]]]
    ends: deque[tuple[Followed, RawEntry]]

    def __init__(self, unread: Collection[bytes] = ()) -> None:
        self._streams: Streams[Followed] = Streams(entries_per_reply=ENTRIES_PER_REPLY)
        self._quiet: QuietStreams[Followed] = QuietStreams(
            self._streams,
            lambda followed: keys.children_list(followed.node.db_name),
            entries_per_reply=ENTRIES_PER_REPLY,
        )
        self._unread = frozenset(unread)
        self._of_scan: defaultdict[str, set[bytes]] = defaultdict(set)
        self._incomplete: set[str | None] = set()
        self.announced = deque()
        self.prepared = deque()
        self.points = deque()
        self.ends = deque()
        self.behind = True

    def __len__(self) -> int:
        return len(self._streams) + len(self._quiet)

    def __iter__(self) -> Iterator[bytes]:
        """Names of the streams."""
        yield from self._quiet
        yield from self._streams.control
        yield from self._streams.data

    def follow_children(self, node: DataNode, scan: str | None, position: bytes) -> None:
        stream = keys.children_list(node.db_name)
        self._follow(stream, Followed(Kind.CHILDREN, node, scan), position)

    def follow_scan(self, node: DataNode) -> None:
        """Whether it is prepared, and whether it has ended: always from the beginning."""
        for stream, kind in (
            (keys.prepared(node.db_name), Kind.PREPARED),
            (keys.end(node.db_name), Kind.END),
        ):
            self._follow(stream, Followed(kind, node, node.db_name), FIRST)

    def follow_data(self, node: DataNode, scan: str | None) -> None:
        """Always from the first point."""
        stream = keys.data(node.db_name)
        self._follow(stream, Followed(Kind.DATA, node, scan, PointEvents(node)), FIRST)

    def forget(self, stream: bytes) -> None:
        self._streams.remove({stream})

    def forget_scan(self, scan: str, *, below_only: bool) -> None:
        """Nothing more is read of a scan that has ended; ``below_only`` keeps the streams of its own."""
        own = {keys.children_list(scan), keys.prepared(scan), keys.end(scan)} if below_only else set()
        self._streams.remove(self._of_scan.pop(scan, set()) - own)

    def rest(self) -> None:
        """Read those less often in which nothing was announced for long: what is in them may be told later
        than what came after it elsewhere."""
        self._quiet.rest()

    def read(self, link: Link, *, block_ms: int | None, control_only: bool = False) -> bool:
        """Put what is new into the queues; whether there was something. Raises what the link does.

        Where no data are followed, a reading of ``control_only`` is one of all that there is.
        """
        control_only = control_only and self._streams.has_data
        try:
            if not control_only and self._read_quiet(link):
                return True
            if block_ms is not None:
                block_ms = max(1, round(min(block_ms, 1000 * self._quiet.seconds_to_read())))
            reply = self._streams.read(link, block_ms=block_ms, control_only=control_only)
        except redis.ResponseError as error:
            if not (str(error).startswith(WRONG_TYPE) and self._forget_other_types(link)):
                raise
            return False
        if not control_only:
            self.behind = bool(reply.more)
            self._incomplete = set()
        for followed, entries in reply.control:
            self._take_control(followed, entries, ends_early=control_only or reply.partial)
        for followed in reply.more:
            self._read_again(followed.scan)
        self.points += reply.data
        return bool(reply)

    def _read_quiet(self, link: Link) -> bool:
        """Where it is time to; whether there was something."""
        if self._quiet.seconds_to_read() > 0:
            return False
        found = self._quiet.read(link)
        for followed, entries in found:
            self._take_control(followed, entries, ends_early=False)
        return bool(found)

    def _forget_other_types(self, link: Link) -> bool:
        """Redis reads all streams or none: one key that is no stream must not cost the others."""
        names = list(self)
        types = link.call_all([(b"TYPE", name) for name in names])
        known = ((name, kind) for name, kind in zip(names, types, strict=True) if isinstance(kind, bytes))
        others = {name for name, kind in known if kind not in (b"stream", b"none")}
        for name in others:
            logger.warning("%s is no stream: it is not followed", keys.to_text(name))
        self._streams.remove(others)
        self._quiet.remove(others)
        return bool(others)

    def is_complete(self, scan: str | None) -> bool:
        """Whether all that was published of a scan, before its end was read, has been read."""
        return scan not in self._incomplete

    def _take_control(self, followed: Followed, entries: list[RawEntry], *, ends_early: bool) -> None:
        """``ends_early``: points may have been published between those that were read and an end."""
        if followed.kind is Kind.CHILDREN:
            self.announced += [(followed, entry) for entry in entries]
            if followed.scan is None:
                self._quiet.heard(keys.children_list(followed.node.db_name))
        elif followed.kind is Kind.PREPARED:
            self.prepared += [(followed, entry) for entry in entries]
        else:
            self.ends += [(followed, entry) for entry in entries]
            if ends_early:
                self._read_again(followed.scan)

    def _read_again(self, scan: str | None) -> None:
        self._incomplete.add(scan)
        self.behind = True

    def _follow(self, stream: bytes, followed: Followed, position: bytes) -> None:
        if stream in self._unread or stream in self._quiet:
            return
        if followed.kind is Kind.DATA:
            new = self._streams.add_data(stream, followed)
        else:
            new = self._streams.control.add(stream, followed, position)
        if not new:
            return
        if followed.scan is not None:
            self._of_scan[followed.scan].add(stream)
        elif followed.kind is Kind.CHILDREN:
            self._quiet.heard(stream)
        self._read_again(followed.scan)
