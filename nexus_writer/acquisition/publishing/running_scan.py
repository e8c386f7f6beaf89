"""A scan between PREPARED and END: a thread moves its points from streams to Redis."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

import redis

from nexus_writer.data.publishing import ScanPublisher
from nexus_writer.data.publishing.scan import ABORTED

from .lag_guard import LagGuard
from .stream_feed import StreamFeed

__all__ = ["End", "Pace", "Reason", "RunningScan"]

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 0.005
QUIET_S = 0.3
TRY_AGAIN_S = 0.2


class Reason(StrEnum):
    """In the words of BLISS."""

    SUCCESS = "SUCCESS"
    USER_ABORT = "USER_ABORT"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class Pace:
    """A block per channel goes out every ``flush_period_s``, or when ``flush_nbytes`` are there.

    ``on_lag``, when Redis would soon drop what no file has: "wait" keeps points back, and lets detectors wait
    when there are ``hold_nbytes``; "warn" only warns. Redis may be away for ``redis_within_s``.
    """

    flush_period_s: float = 0.1
    flush_nbytes: int = 2**23
    on_lag: Literal["wait", "warn"] = "wait"
    hold_nbytes: int = 2**26
    redis_within_s: float = 30.0


@dataclass(frozen=True, slots=True)
class End:
    """How a scan ends. ``counts`` are the samples that each stream has sent: they are waited for, for
    ``within_s``; without them, what waits now is taken."""

    reason: Reason = Reason.SUCCESS
    message: str = ""
    counts: Mapping[str, int] | None = None
    within_s: float = 10.0


@dataclass
class _Ending:
    asked: threading.Event = field(default_factory=threading.Event)
    end: End = field(default_factory=End)


class RunningScan:
    """Moves from when it is made to its ``end``. Where it can not go on it ends the scan with FAILURE, and
    calls ``failed``, in its own thread."""

    def __init__(
        self,
        scan: ScanPublisher,
        feeds: Sequence[StreamFeed],
        guard: LagGuard | None,
        pace: Pace,
        failed: Callable[[Exception], None],
    ) -> None:
        self.scan = scan
        self.feeds = feeds
        self.holds = False
        self._failed = failed
        self._guard = guard
        self._pace = pace
        self._ending = _Ending()
        self._thread = threading.Thread(target=self._run, name=f"publisher of {scan.name}", daemon=True)
        self._thread.start()

    def end(self, end: End) -> None:
        """Return when END_SCAN is published. The second call does nothing."""
        if not self._ending.asked.is_set():
            self._ending.end = end
            self._ending.asked.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ending.asked.is_set():
                self._collect(time.monotonic() + self._pace.flush_period_s)
                self._flush()
            self._collect_rest(self._ending.end)
            self._send()
            self._publish_end(self._ending.end)
        except Exception as error:
            logger.error("[%s] was ended: %s", self.scan.key, error)
            self._failed(error)
            with contextlib.suppress(Exception):
                self._end_failed(error)

    def _collect(self, until_s: float) -> None:
        while not self._ending.asked.is_set() and (left_s := until_s - time.monotonic()) > 0:
            if self._pending_nbytes() >= self._pace.hold_nbytes:
                self._ending.asked.wait(left_s)
            elif not self._receive():
                self._ending.asked.wait(min(LOOK_EVERY_S, left_s))
            elif self._pending_nbytes() >= self._pace.flush_nbytes:
                return

    def _collect_rest(self, end: End) -> None:
        """What was sent before the end was asked for. It goes out, however far writers are behind."""
        started_s = heard_s = time.monotonic()
        while not self._has_all(end):
            now_s = time.monotonic()
            if self._receive():
                heard_s = now_s
                if self._pending_nbytes() >= self._pace.flush_nbytes:
                    self._send()
            elif now_s > started_s + end.within_s or (end.counts is None and now_s > heard_s + QUIET_S):
                break
            else:
                time.sleep(LOOK_EVERY_S)
        for feed in self.feeds:
            if feed.points < (end.counts or {}).get(feed.name, 0):
                self._warn(f"{feed.name} sent {(end.counts or {})[feed.name]} samples, {feed.points} came")

    def _has_all(self, end: End) -> bool:
        return end.counts is not None and all(feed.has(end.counts.get(feed.name, 0)) for feed in self.feeds)

    def _receive(self) -> int:
        most_nbytes = self._pace.hold_nbytes if self.holds else self._pace.flush_nbytes
        return sum(feed.receive(most_nbytes) for feed in self.feeds)

    def _pending_nbytes(self) -> int:
        return sum(feed.pending_nbytes for feed in self.feeds)

    def _flush(self) -> None:
        """Unless it is better to wait."""
        if self._guard is not None:
            with contextlib.suppress(redis.RedisError, OSError):
                self.holds = self._guard.look() and self._pace.on_lag == "wait"
        if self.holds:
            return
        self._send()

    def _send(self) -> None:
        entries = max((feed.publish(self.scan) for feed in self.feeds), default=0)
        away_since_s: float | None = None
        while True:
            try:
                if away_since_s is not None:
                    self.scan.forget_sent()
                self.scan.flush()
                break
            except (redis.ConnectionError, redis.TimeoutError):
                now_s = time.monotonic()
                away_since_s = now_s if away_since_s is None else away_since_s
                if now_s > away_since_s + self._pace.redis_within_s:
                    raise
                time.sleep(TRY_AGAIN_S)
        if away_since_s is not None:
            self._warn(f"Redis did not answer for {time.monotonic() - away_since_s:.1f} s")
        if entries and self._guard is not None:
            self._guard.published(entries)

    def _warn(self, message: str) -> None:
        logger.warning("[%s] %s", self.scan.key, message)

    def _end_failed(self, error: Exception) -> None:
        """With what can be sent of the points that came before, if it was not Redis that failed."""
        if not isinstance(error, redis.RedisError):
            with contextlib.suppress(Exception):
                self._send()
        self._publish_end(End(Reason.FAILURE, str(error)), str(type(error)))

    def _publish_end(self, end: End, exception: str = "<class 'RuntimeError'>") -> None:
        message = " ".join(end.message.split())
        if end.reason is Reason.SUCCESS:
            self.scan.end()
        elif end.reason is Reason.USER_ABORT:
            self.scan.end(ABORTED, "USER_ABORTED")
        else:
            self.scan.info["end_reason"] = f"{Reason.FAILURE}: {message}" if message else str(Reason.FAILURE)
            self.scan.end(exception)
