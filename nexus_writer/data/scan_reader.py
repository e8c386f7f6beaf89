"""Everything that Redis publishes of one scan, in order, by whole replies: the way in of the writer.

One connection, and one XREAD over all streams of the scan:

* idle, it blocks over all of them, and so costs nothing;
* after data it rests ``pace_s`` while it blocks on the control streams alone (children lists, prepared, end),
  so that a reply has many entries and yet the end, or a new node, comes at once;
* behind (there may be more of a stream, or there are new streams), it reads on without waiting.

What order there is: a node before its children and its data; PREPARED after the nodes that were published
before it; END after all data that were published before it, because it is handed over only when a reading of
all streams that was made after it, or with it, left nothing behind.

Entries are moved, not looked into: at 0.4 us of CPU an entry the parsing of the reply is the limit, and
decoding belongs to the thread that writes. A reader that is behind makes no entries where it can tell what
their bytes are (:mod:`.point_runs`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import redis

from nexus_writer.data import keys
from nexus_writer.data.cameras import CAMERA_TYPE, UnpreparedCameras
from nexus_writer.data.errors import DataError
from nexus_writer.data.info import RawInfo, announced_keys, exception_of, fetch_announced
from nexus_writer.data.link import Link
from nexus_writer.data.point_runs import PointRun
from nexus_writer.data.scan_items import NodeAdded, ScanEnded, ScanItem, ScanPoints, ScanPrepared
from nexus_writer.data.streams import RawEntry, Reply, Streams
from nexus_writer.data.unread import Unread, unread_entries

IDLE_BLOCK_S = 5.0
GRACE_S = 5.0
_PREPARED = "_prepared"
_END = "_end"
STARTED = b"start_timestamp"


class ScanVanished(DataError):
    """Nothing is left in Redis of a scan that had not ended."""

    def __init__(self, scan_key: str) -> None:
        super().__init__(
            f"scan {scan_key} is gone from Redis before its end: Redis was flushed, restarted without "
            "persistence, or has evicted it (look at its maxmemory); what was read is saved"
        )


class ScanReplaced(DataError):
    """Redis has lost a scan, and another one has its key: not one point of that may be taken for ours."""

    def __init__(self, scan_key: str) -> None:
        super().__init__(
            f"Redis has lost scan {scan_key}, another one that started later has its name: what was read is "
            "saved"
        )


class ScanReader:
    """Reads one scan from its beginning, also when it runs already or has ended.

    ``read`` belongs to one thread or greenlet; ``unread``, ``positions`` and ``interrupt`` may be
    used by others meanwhile. After an error, or a ``read`` that was killed while it waited, a later ``read``
    makes a new connection and goes on where the last one was: nothing is lost, nothing comes twice.
    """

    def __init__(
        self,
        client: redis.Redis,
        scan_key: str,
        *,
        pace_s: float = 0.02,
        entries_per_reply: int = 2000,
        runs: bool = False,
        started: bytes | None = None,
    ) -> None:
        """With ``runs``, points may come as such when the reader is behind. ``started`` is what the scan's
        info said of its start, where that was just asked."""
        self.scan_key = scan_key
        self._pace_s = pace_s
        self._link = Link(client, silence_s=IDLE_BLOCK_S + GRACE_S)
        self._probe = Link(client)
        self._streams: Streams[str] = Streams(entries_per_reply=entries_per_reply, runs=runs)
        self._streams.control.add(keys.children_list(scan_key), scan_key)
        self._streams.control.add(keys.prepared(scan_key), _PREPARED)
        self._streams.control.add(keys.end(scan_key), _END)
        self._known = {scan_key}
        self._cameras = UnpreparedCameras()
        self._announced: list[str] = []
        self._items: list[ScanItem] = []
        self._points: list[tuple[str, list[RawEntry]]] = []
        self._runs: list[tuple[str, PointRun]] = []
        self._received_at = 0.0
        self._prepared = False
        self._end: list[RawEntry] = []
        self._behind = True
        self._seen = False
        self._started = started
        self._is_known = started is not None
        self._rest_until = self._check_after = 0.0
        self._ended = False

    def read(self, timeout_s: float | None = None) -> list[ScanItem]:
        """What is new, as soon as there is something; [] when nothing came within ``timeout_s``.

        Raises EOFError after ScanEnded was returned, redis.ConnectionError when Redis does not answer;
        ScanVanished now and then for as long as nothing is left of the scan; ScanReplaced, for good.
        """
        if self._ended:
            raise EOFError(f"{self.scan_key} has ended")
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if not self._unsettled:
                self._take_reply(deadline)
            self._settle()
            if self._items:
                return self._hand_over()
            if deadline is not None and not self._behind and time.monotonic() >= deadline:
                return []

    @property
    def positions(self) -> Mapping[str, bytes]:
        """Id of the last entry that was read, by the key of the channel; 0-0 where none was."""
        data = self._streams.data
        return {data.label(stream): data[stream].id for stream in data}

    def unread(self) -> Unread:
        """Entries in Redis, over all data streams, that were not read. Asks Redis, by another connection."""
        data = self._streams.data
        return unread_entries(self._probe, {stream: data[stream] for stream in data})

    def interrupt(self) -> None:
        """Make a ``read`` that waits, and every later one, raise redis.ConnectionError; from any thread."""
        self._link.interrupt()

    def close(self) -> None:
        """Give the connections back."""
        self._link.give_back()
        self._probe.give_back()

    @property
    def _unsettled(self) -> bool:
        """Whether a read that was interrupted left something to be handed over."""
        ended = self._end and not self._behind
        points = self._points or self._runs
        return bool(self._announced or self._prepared or points or self._items or ended)

    def _take_reply(self, deadline: float | None) -> None:
        """One XREAD of the kind that is due."""
        if not (self._link.connected or self._is_known):
            self._check_existence()
        self._is_known = False
        now = time.monotonic()
        left_s = IDLE_BLOCK_S if deadline is None else min(IDLE_BLOCK_S, deadline - now)
        if self._cameras:
            left_s = min(left_s, self._cameras.seconds_to_look())
        if self._behind or left_s <= 0:
            self._absorb(self._streams.read(self._link, block_ms=None))
        elif now < self._rest_until:
            rest_ms = _whole_ms(min(left_s, self._rest_until - now))
            self._absorb(
                self._streams.read(self._link, block_ms=rest_ms, control_only=True), control_only=True
            )
        else:
            reply = self._streams.read(self._link, block_ms=_whole_ms(left_s))
            self._absorb(reply)
            if not reply and time.monotonic() >= self._check_after:
                self._check_existence()

    def _absorb(self, reply: Reply[str], *, control_only: bool = False) -> None:
        """Keep what a reply brought. Asks nothing of Redis, so it cannot be interrupted half-way."""
        if not control_only:
            self._behind = bool(reply.more)
        for label, entries in reply.control:
            self._seen = True
            if label is _END:
                self._end = entries
                self._behind |= control_only or reply.partial
            elif label is _PREPARED:
                self._prepared = True
            else:
                self._announced += announced_keys(entries)
        if reply.data or reply.runs:
            self._points += reply.data
            self._runs += reply.runs
            self._received_at = time.monotonic()
            self._rest_until = self._received_at + self._pace_s

    def _settle(self) -> None:
        """Make items of what was kept: nodes with all that is below them, then prepared, points and end.

        What was kept is forgotten only when its item is there.
        """
        while self._announced:
            self._add_nodes()
            reply = self._streams.read(self._link, block_ms=None, control_only=True)
            self._announced = []
            self._absorb(reply, control_only=True)
        if self._prepared:
            self._items.append(ScanPrepared(self._scan_info()))
            self._prepared = False
        if self._cameras:
            at_once = bool(self._end) or any(key in self._cameras for key, _ in self._points)
            self._items += self._cameras.look(self._link, at_once=at_once)
        if self._points or self._runs:
            self._items.append(ScanPoints(self._points, self._received_at, self._runs))
            self._points, self._runs = [], []
        if self._end and not self._behind:
            self._items.append(ScanEnded(exception_of(self._end[0]), self._scan_info()))
            self._end = []

    def _add_nodes(self) -> None:
        """Fetch the nodes that were announced and follow their streams; known ones are left alone."""
        new = [key for key in dict.fromkeys(self._announced) if key not in self._known]
        if len(new) < len(self._announced):  # a scan announces its nodes once
            self._identify(self._link.call(b"HGET", keys.info(self.scan_key), STARTED))
        if not new:
            return
        for record, info in fetch_announced(self._link, new):
            self._known.add(record.key)
            if record.has_data:
                self._streams.add_data(keys.data(record.key), record.key)
            else:
                self._streams.control.add(keys.children_list(record.key), record.key)
            if record.node_type == CAMERA_TYPE:
                self._cameras.add(record.key)
            self._items.append(NodeAdded(record.key, record.node_type, record.name, record.parent, info))
            self._behind = True

    def _hand_over(self) -> list[ScanItem]:
        items, self._items = self._items, []
        self._ended = isinstance(items[-1], ScanEnded)
        return items

    def _scan_info(self) -> RawInfo:
        info = RawInfo.from_reply(self._link.call(b"HGETALL", keys.info(self.scan_key)))
        self._identify(info.fields.get(STARTED))
        return info

    def _check_existence(self) -> None:
        """Raises ScanVanished when nothing is left of a scan that was there, ScanReplaced."""
        self._check_after = time.monotonic() + IDLE_BLOCK_S
        names = [keys.to_bytes(self.scan_key), *self._streams.control, *self._streams.data]
        left, started = self._link.call_all(
            [(b"EXISTS", *names), (b"HGET", keys.info(self.scan_key), STARTED)]
        )
        self._identify(started)
        if self._seen and left == 0:
            raise ScanVanished(self.scan_key)

    def _identify(self, started: object) -> None:
        """That the scan of our key is still ours: it started when ours did."""
        if not isinstance(started, bytes):
            return
        if self._started is None:
            self._started = started
        elif self._started != started:
            raise ScanReplaced(self.scan_key)


def _whole_ms(seconds: float) -> int:
    """At least 1: BLOCK 0 waits for ever."""
    return max(1, round(seconds * 1000))
