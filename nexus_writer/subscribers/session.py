"""Saves the scans of a session: one NexusScanWriter for each, started when the scan appears in Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.events import Event, EventType
from nexus_writer.data.nodes import DataNode, get_session_node
from nexus_writer.data.walk import Walk

from .errors import ScansRunning, UnknownScan
from .modes import Mode, Request
from .options import WriterOptions, warn_of_unknown_variables
from .scan import NexusScanWriter
from .state import SubscriberState
from .status import SessionStatistics
from .subscriber import LISTENS, Subscriber
from .validation import Validator
from .writer_thread import WriterThread, shared_writer_thread

SCAN_TYPES = ("scan", "scan_group")
RATE_OVER_S = 1.0
"""Points per second are averaged over at least this long."""


class NexusSessionWriter(Subscriber[Event]):
    """Runs in sequential mode in the thread that starts it; the listeners of all its scans run there too."""

    def __init__(
        self,
        session: str,
        options: WriterOptions | None = None,
        *,
        redis_url: str | None = None,
        beacon: str | None = None,
        writer: WriterThread | None = None,
    ) -> None:
        super().__init__(session, connect=partial(connect, redis_url, beacon=beacon), mode=Mode.SEQUENTIAL)
        self.session = session
        self.options = options or WriterOptions()
        warn_of_unknown_variables()
        self._writer = writer
        self._client: redis.Redis | None = None
        self._scans: dict[str, NexusScanWriter] = {}
        self._purged = {"finished": 0, "failed": 0, "points": 0, "bytes": 0}
        self._rate_sample = (time.monotonic(), 0)
        self._points_per_s = 0.0

    # -- scans --

    def scans(self) -> list[NexusScanWriter]:
        """The scans it knows, by the time that it got to know them; those finished long ago are forgotten."""
        self.purge(self.options.purge_after_s)
        return list(self._scans.values())

    def scan(self, name: str) -> NexusScanWriter:
        """By full name; or by bare name, the one started last. Raises UnknownScan."""
        scan = self._scans.get(name)
        if scan is None:
            scan = next((s for s in reversed(self._scans.values()) if s.name == name), None)
        if scan is None:
            raise UnknownScan(name)
        return scan

    def running(self) -> list[NexusScanWriter]:
        """Scans whose file is not complete."""
        return [scan for scan in self._scans.values() if scan.end_time is None]

    def purge(self, older_than_s: float = 5.0) -> None:
        """Forget scans that finished more than ``older_than_s`` s ago; statistics keep counting them."""
        before = time.time() - older_than_s
        for key, scan in list(self._scans.items()):
            if scan.end_time is not None and scan.end_time <= before:
                del self._scans[key]
                progress = scan.status().progress
                self._purged["failed" if scan.state is SubscriberState.FAULT else "finished"] += 1
                self._purged["points"] += progress.points
                self._purged["bytes"] += progress.bytes

    def statistics(self) -> SessionStatistics:
        """All its scans in numbers."""
        statuses = [scan.status() for scan in self.scans()]
        running = [s for s in statuses if s.state in ("INIT", "ON")]
        points = self._purged["points"] + sum(s.progress.points for s in statuses)
        return SessionStatistics(
            running=len(running),
            finished=self._purged["finished"] + sum(s.state == "OFF" for s in statuses),
            failed=self._purged["failed"] + sum(s.state == "FAULT" for s in statuses),
            points=points,
            bytes=self._purged["bytes"] + sum(s.progress.bytes for s in statuses),
            points_per_s=self._rate(points),
            lag_s=max((s.lag_s for s in running), default=0.0),
            lag_entries=sum(s.lag_entries for s in running),
            queue_fill=max((s.queue_fill for s in running), default=0.0),
        )

    def _rate(self, points: int) -> float:
        sampled_at, sampled_points = self._rate_sample
        elapsed_s = time.monotonic() - sampled_at
        if elapsed_s >= RATE_OVER_S:
            self._points_per_s = (points - sampled_points) / elapsed_s
            self._rate_sample = (time.monotonic(), points)
        return self._points_per_s

    # -- life --

    def stop(self, wait: bool = False, timeout: float | None = None) -> None:
        """ON to OFF. Raises ScansRunning while scans are being saved."""
        if names := [scan.name for scan in self.running()]:
            raise ScansRunning(names)
        super().stop(wait=wait, timeout=timeout)

    def shut_down(self, timeout: float = 10.0) -> bool:
        """Listen no more, and bring every running scan's file to a clean end; False when some take longer."""
        super().stop()
        if "_validator" in self.__dict__:
            self._validator.stop()
        for scan in self.running():
            scan.stop()
        deadline = time.monotonic() + timeout
        for scan in self.running():
            scan.join(max(0.0, deadline - time.monotonic()))
        return self.join(max(0.0, deadline - time.monotonic())) and not self.running()

    # -- listener and consumer, in one greenlet --

    def _listen(self) -> Iterator[Sequence[Event]]:
        walk = self._ask_redis(self._walk)
        try:
            while (event := self._ask_redis(lambda: next(walk, None))) is not None:
                self._say(LISTENS)
                yield [event]
        finally:
            walk.close()

    def _walk(self) -> Walk:
        """Everything that happens in the session from now on, down to its scans."""
        session = get_session_node(self.session, connection=self._connected())
        if not session.exists:
            self._say(f"Waiting for session {self.session!r} to appear in Redis", logging.WARNING)
        return session.walk_on_new_events(
            include_filter=SCAN_TYPES,
            exclude_children=SCAN_TYPES,
            started_event=_Subscribed(self._listening.send),
        )

    def _consume(self, event: Event) -> None:
        if event.type is not EventType.NEW_NODE or event.node.type not in SCAN_TYPES:
            return
        known = self._scans.get(event.node.db_name)
        if known is not None and not known.done():
            return
        self.purge(self.options.purge_after_s)
        scan = NexusScanWriter(
            event.node.db_name,
            event.node.name,
            self.session,
            self._connected(),
            self.options,
            self._writer or shared_writer_thread(),
            self._connect,
        )
        self._scans.pop(scan.key, None)  # a new scan of an old name is the latest
        self._scans[scan.key] = scan
        scan.start()
        if self.options.validation:
            self._validator.follow(scan)

    @cached_property
    def _validator(self) -> Validator:
        return Validator(self._writer or shared_writer_thread())

    def _finish(self, request: Request | None, failure: str | None) -> tuple[SubscriberState, str]:
        if self._client is not None:
            self._client.close()
        return super()._finish(request, failure)

    def _make_node(self, client: redis.Redis) -> DataNode:
        """The session, also where it does not exist yet."""
        return get_session_node(self.session, connection=client)

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = self._connect(green=True)
        return self._client


class _Subscribed:
    """What a walk calls once it is subscribed."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.set = call
