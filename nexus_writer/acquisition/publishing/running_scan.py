"""A scan between PREPARED and END: a thread moves its points from streams to Redis."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ExecAbortError,
)
"""What may pass: Redis does not answer, is a replica for now, or full."""


class Reason(StrEnum):
    """In the words of BLISS."""

    SUCCESS = "SUCCESS"
    USER_ABORT = "USER_ABORT"
    FAILURE = "FAILURE"


@dataclass(frozen=True, slots=True)
class Pace:
    """A block per channel goes out every ``flush_period_s``, or when ``flush_nbytes`` are there.

    ``on_lag``, when Redis would soon drop what no file has: "wait" keeps points back, and lets detectors wait
    when there are ``hold_nbytes``; "warn" only warns. Redis may be away for ``redis_within_s``: then the
    scan is ended, which its writers are told when Redis is back, up to ``end_within_s`` later.
    """

    flush_period_s: float = 0.1
    flush_nbytes: int = 2**23
    on_lag: Literal["wait", "warn"] = "wait"
    hold_nbytes: int = 2**26
    redis_within_s: float = 30.0
    end_within_s: float = 600.0


@dataclass(frozen=True, slots=True)
class End:
    """How a scan ends. ``counts`` are the samples that each stream has sent: they are waited for, for
    ``within_s``, and longer while they come. Of a stream that is not among them what waits now is taken,
    until it is quiet for 0.3 s, for ``within_s`` at most."""

    reason: Reason = Reason.SUCCESS
    message: str = ""
    counts: Mapping[str, int] | None = None
    within_s: float = 10.0


@dataclass
class _Ending:
    asked: threading.Event = field(default_factory=threading.Event)
    end: End = field(default_factory=End)


class _Rest:
    """What streams have sent, and what has come of it: whose count is known is waited for, the others until
    they are quiet. What comes late extends the time for the former."""

    def __init__(self, end: End, feeds: Sequence[StreamFeed]) -> None:
        self._counts = end.counts or {}
        self._feeds = feeds
        self._away_s = 0.0
        self._heard_s = dict.fromkeys((feed.name for feed in feeds), time.monotonic())
        self._until_s = time.monotonic() + end.within_s

    def has_come(self) -> bool:
        now_s = time.monotonic() - self._away_s
        return all(self._has_come_of(feed, now_s) for feed in self._feeds)

    def heard(self, names: Sequence[str]) -> None:
        """These streams have just had something to say."""
        self._heard_s.update(dict.fromkeys(names, time.monotonic() - self._away_s))

    @contextlib.contextmanager
    def not_counted(self) -> Iterator[None]:
        """Nobody listens meanwhile, so this is not silence."""
        began_s = time.monotonic()
        yield
        self._away_s += time.monotonic() - began_s

    def _has_come_of(self, feed: StreamFeed, now_s: float) -> bool:
        is_quiet, is_late = now_s > self._heard_s[feed.name] + QUIET_S, now_s > self._until_s
        if feed.name not in self._counts:
            return is_quiet or is_late
        return feed.has(self._counts[feed.name]) or (is_quiet and is_late)


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
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"publisher of {scan.name}", daemon=True)
        self._thread.start()

    def end(self, end: End) -> None:
        """Return when END_SCAN is published, or cannot be. The second call, of who was interrupted in the
        first one, lets nobody wait for Redis any more."""
        if self._ending.asked.is_set():
            self._hurry.set()
        else:
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
            self._patiently(lambda: self._publish_end(self._ending.end))
        except Exception as error:
            within = f"; END_SCAN waits for Redis, for {self._pace.end_within_s:g} s"
            logger.error("[%s] was ended: %s%s", self.scan.key, error, within * isinstance(error, AWAY))
            self._failed(error)
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
        self.holds = False
        rest = _Rest(end, self.feeds)
        while not rest.has_come():
            received = [feed.name for feed in self.feeds if feed.receive(self._pace.flush_nbytes)]
            rest.heard(received)
            if self._pending_nbytes() >= self._pace.flush_nbytes:
                with rest.not_counted():
                    self._send()
            elif not received:
                time.sleep(LOOK_EVERY_S)
        for feed in self.feeds:
            if feed.points < (end.counts or {}).get(feed.name, 0):
                self._warn(f"{feed.name} sent {(end.counts or {})[feed.name]} samples, {feed.points} came")

    def _receive(self) -> int:
        """The number of chunks. While points are kept back, all streams together have ``hold_nbytes``."""
        if not self.holds:
            return sum(feed.receive(self._pace.flush_nbytes) for feed in self.feeds)
        count = 0
        for feed in self.feeds:
            room = self._pace.hold_nbytes - self._pending_nbytes()
            count += feed.receive(feed.pending_nbytes + room)
        return count

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
        entries = self._put_aside()
        self._patiently(self.scan.flush, self.scan.forget_sent)
        if entries and self._guard is not None:
            self._guard.published(entries)

    def _put_aside(self) -> int:
        """The entries that the fullest channel gets."""
        return max((feed.publish(self.scan) for feed in self.feeds), default=0)

    def _patiently(
        self,
        call: Callable[[], None],
        before_next: Callable[[], None] = lambda: None,
        within_s: float | None = None,
    ) -> None:
        """Again and again while Redis does not answer, or takes nothing; ``redis_within_s`` by default."""
        within_s = self._pace.redis_within_s if within_s is None else within_s
        away_since_s: float | None = None
        while True:
            try:
                if away_since_s is not None:
                    before_next()
                call()
                break
            except AWAY:
                now_s = time.monotonic()
                away_since_s = now_s if away_since_s is None else away_since_s
                if now_s > away_since_s + within_s or self._hurry.wait(TRY_AGAIN_S):
                    raise
        if away_since_s is not None:
            self._warn(f"Redis took nothing for {time.monotonic() - away_since_s:.1f} s")

    def _warn(self, message: str) -> None:
        logger.warning("[%s] %s", self.scan.key, message)

    def _end_failed(self, error: Exception) -> None:
        """With what can be sent of the points that came before."""
        with contextlib.suppress(Exception):
            self._put_aside()
        try:
            self._patiently(lambda: self._send_failed(error), within_s=self._pace.end_within_s)
        except Exception as why:
            told = "END_SCAN was not published, its writers wait until it was silent for silence_s"
            logger.error("[%s] %s: %s", self.scan.key, told, why)

    def _send_failed(self, error: Exception) -> None:
        """What Redis refuses is left out: its writers wait for END_SCAN."""
        try:
            self.scan.forget_sent()
            self.scan.flush()
        except AWAY:
            raise
        except redis.ResponseError as refusal:
            self._warn(f"{self.scan.drop_pending()} blocks were left out: {refusal}")
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
