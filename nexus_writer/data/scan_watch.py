"""Following the scans of a session, or one scan, over one connection.

No thread is started and no greenlet is needed. A Redis that goes away is waited for; what is being told then
is told again from its beginning, so that nothing is counted twice.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import Self

import redis

from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME

from . import keys
from .events import Event, EventData, EventType
from .existing import last_node
from .happenings import Happening, RedisBack, RedisGone
from .keys import SCAN_TYPES
from .nodes import DataNode, ScanGroupNode, ScanNode, get_session_node
from .scan_tally import ScanTally
from .silence import Silences
from .stop_handler import StopHandler
from .stream_id import from_now_on, just_before
from .walk import Walk
from .walk_filter import WalkFilters

RETRY_S = 0.5
SILENT_AFTER_S = 60.0


class Watch(Iterator[Happening]):
    """What happens to scans, one by one; a context manager where the loop may be left early.

    How far scans are is told every ``progress_every_s`` at most, for those that have something new. Of a scan
    of which nothing came for ``silent_after_s`` that is told; 0: never.
    """

    def __init__(
        self, walk: Walk, *, progress_every_s: float, silent_after_s: float, entry_name: str
    ) -> None:
        self._walk = walk
        self._silences = Silences(silent_after_s)
        self._every_s = progress_every_s
        self._entry_name = entry_name
        self._scans: dict[str, ScanTally] = {}
        self._scan_of: dict[str, str] = {}
        self._told: deque[Happening] = deque()
        self._progress_at_s: float | None = None
        self._redis_is_gone = False
        self._only_scan: str | None = None
        self._event: Event | None = None

    @classmethod
    def of_session(
        cls,
        session_name: str,
        connection: redis.Redis,
        *,
        running: bool = False,
        progress_every_s: float = 1.0,
        silent_after_s: float = SILENT_AFTER_S,
        entry_name: str = DEFAULT_ENTRY_NAME,
        stop_handler: StopHandler | None = None,
    ) -> Self:
        """All scans that start from now on; with ``running``, the last one as well if it has not ended.

        One that started in this very ms, by the clock of the server, is told as well. The session need not
        exist yet. Raises redis.ConnectionError.
        """
        session = get_session_node(session_name, connection)
        since = from_now_on(connection)
        if running:
            since = _before_running_scan(session) or since
        walk = session.walk_events(
            first_index=since, exclude_existing_children=tuple(SCAN_TYPES), stop_handler=stop_handler
        )
        return cls(
            walk, progress_every_s=progress_every_s, silent_after_s=silent_after_s, entry_name=entry_name
        )

    @classmethod
    def of_scan(
        cls,
        scan: ScanNode,
        *,
        progress_every_s: float = 1.0,
        silent_after_s: float = SILENT_AFTER_S,
        entry_name: str = DEFAULT_ENTRY_NAME,
        stop_handler: StopHandler | None = None,
    ) -> Self:
        """One scan from its beginning to its end, also when it runs already or has ended."""
        walk = scan.walk_events(stop_handler=stop_handler)
        watch = cls(
            walk, progress_every_s=progress_every_s, silent_after_s=silent_after_s, entry_name=entry_name
        )
        watch._only_scan = scan.db_name
        watch._start(scan)
        return watch

    def __next__(self) -> Happening:
        while not self._told:
            if self._walk.over:
                raise StopIteration
            self._step()
        return self._told.popleft()

    def close(self) -> None:
        """End it and give up the connection; from anywhere."""
        self._walk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _step(self) -> None:
        if self._redis_is_gone:
            self._walk.rest(RETRY_S)
        try:
            if self._event is None:
                self._event = self._walk.next_within(self._seconds_to_tell())
            if self._redis_is_gone and not self._walk.over:
                self._look_for_scans()
            if self._event is not None:
                self._take(self._event)
                self._event = None
            self._tell_silences()
        except redis.ConnectionError as error:
            if not self._redis_is_gone:
                self._told.append(RedisGone(_in_one_line(error)))
            self._redis_is_gone = True
        self._tell_progress()

    def _seconds_to_tell(self) -> float | None:
        """Until something else than an event is to be told; None: there is nothing else."""
        if self._redis_is_gone:
            return 0.0
        until_s = [self._silences.due_in_s()]
        if self._progress_at_s is not None:
            until_s.append(max(0.0, self._progress_at_s - time.monotonic()))
        return min((one for one in until_s if one is not None), default=None)

    def _look_for_scans(self) -> None:
        """After Redis came back: those that it has lost will not end."""
        gone = [tally for tally in self._scans.values() if not tally.node.exists]
        for tally in gone:
            self._tell_gone(tally)
        self._redis_is_gone = False
        self._silences.heard_all()
        self._told.append(RedisBack())

    def _tell_gone(self, tally: ScanTally) -> None:
        self._told.append(tally.gone())
        self._forget(tally)

    def _tell_silences(self) -> None:
        """A scan that is silent may have been deleted; that it is silent is told once, behind its points."""
        for key, silence in self._silences.due():
            tally = self._scans[key]
            if not tally.node.exists:
                self._tell_gone(tally)
            elif silence.asked == 1:
                if tally.changed:
                    self._told.append(tally.progressed())
                self._told.append(tally.silent(silence.since))

    def _hear(self, tally: ScanTally) -> None:
        """A sign of life of a scan, and of the sequences that it may be part of."""
        for one in self._scans.values():
            if one is tally or isinstance(one.node, ScanGroupNode):
                self._silences.heard(one.node.db_name)

    def _take(self, event: Event) -> None:
        """All or nothing of it, when Redis goes away meanwhile."""
        node = event.node
        if event.type is EventType.NEW_NODE and node.type in SCAN_TYPES:
            self._start(node)
            return
        tally = self._tally_of(node, event.type)
        if tally is None:
            return
        self._hear(tally)
        if event.type is EventType.END_SCAN:
            self._end(tally, event.data)
            return
        tally.count(event.type)
        if event.type is EventType.NEW_NODE:
            tally.add(node)
            self._scan_of[node.db_name] = tally.node.db_name
        elif event.type is EventType.PREPARED_SCAN:
            self._told.append(tally.prepared())
        elif event.data is not None:
            tally.receive(node, event.data)

    def _tally_of(self, node: DataNode, event_type: EventType) -> ScanTally | None:
        """The scan that an event is about; None where it is about none, or one that started earlier."""
        if event_type is EventType.NEW_NODE:
            parent = node.record.parent if node.record is not None else ""
            key = self._scan_of.get(parent, "")
        else:
            key = self._scan_of.get(node.db_name, "")
        return self._scans.get(key)

    def _start(self, node: DataNode) -> None:
        tally = ScanTally(node, entry_name=self._entry_name)
        self._scans[node.db_name] = tally
        self._scan_of[node.db_name] = node.db_name
        self._told.append(tally.started())
        self._hear(tally)

    def _end(self, tally: ScanTally, data: EventData | None) -> None:
        self._told.append(tally.ended(str(data.description) if data is not None else ""))
        self._forget(tally)

    def _forget(self, tally: ScanTally) -> None:
        for key in (tally.node.db_name, *tally.below):
            self._scan_of.pop(key, None)
        self._scans.pop(tally.node.db_name, None)
        self._silences.forget(tally.node.db_name)
        if tally.node.db_name == self._only_scan:
            self._walk.close()

    def _tell_progress(self) -> None:
        changed = [tally for tally in self._scans.values() if tally.changed]
        now_s = time.monotonic()
        if not changed:
            self._progress_at_s = None
        elif self._progress_at_s is None:
            self._progress_at_s = now_s + self._every_s
        elif now_s >= self._progress_at_s:
            self._told += [tally.progressed() for tally in changed]
            self._progress_at_s = None


def _before_running_scan(session: DataNode) -> bytes | None:
    """The id behind which the last scan was announced; None where it has ended, or there is none."""
    last = last_node(session, WalkFilters.of(tuple(SCAN_TYPES), {}))
    if last is None or session.connection.xlen(keys.end(last.node.db_name)):
        return None
    return just_before(last.id)


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
