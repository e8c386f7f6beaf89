"""What a scan's listener takes from Redis and hands to its consumer, in order."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
import redis
from gevent import GreenletExit

from nexus_writer.data.scan_items import ScanEnded, ScanItem
from nexus_writer.data.scan_reader import STARTED, ScanReader, ScanReplaced, ScanVanished

from .follower import REDIS_AWAY
from .lag import LagWatch
from .references import References, ScansReferenced, look_up
from .scan_found import ScanFound, find_scan

LISTEN_S = 1.0
"""How long one reading waits for something new."""
DRAIN_WITHIN_S = 2.0
"""How long a scan that is stopped may still take what waits in Redis."""


@dataclass(frozen=True, slots=True)
class ScanInterrupted:
    """Nothing more comes of the scan, for now: it was silent ``since`` these positions of its streams. Or
    ever, when another scan has its key now."""

    why: str
    since: Mapping[str, bytes] | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class ScanGone:
    """Redis has lost the scan; its publisher may go on all the same."""

    why: str


Received = ScanItem | ScanFound | ScansReferenced | ScanInterrupted | ScanGone
Ask = Callable[[Callable[[], Any]], Any]
"""What a question to Redis answers, asked again for as long as Redis is away."""


class ScanListener:
    """Reads one scan, from what it is to its end. Belongs to the listener greenlet."""

    def __init__(
        self, key: str, client: redis.Redis, ask: Ask, lag: LagWatch, *, pace_s: float, silence_s: float
    ) -> None:
        self._key = key
        self._client = client
        self._ask = ask
        self._lag = lag
        self._pace_s = pace_s
        self._silence_s = silence_s
        self._references = References()

    def listen(
        self, listening: Callable[[], object], stopped: Callable[[], bool]
    ) -> Iterator[Sequence[Received]]:
        """All batches; ``listening`` is called when it is read. A listener that is killed because the scan
        was ``stopped`` gives what Redis has at that moment."""
        found: ScanFound = self._ask(lambda: find_scan(self._key, self._client))
        yield [found]
        started = found.info.fields.get(STARTED)
        reader = ScanReader(self._client, self._key, pace_s=self._pace_s, runs=True, started=started)
        watching = gevent.spawn(self._lag.follow, reader)
        try:
            yield from self._follow(reader, listening)
        except GreenletExit:
            if stopped():
                yield from self._what_is_there(reader)
            raise
        finally:
            watching.kill()
            reader.close()

    def _follow(self, reader: ScanReader, listening: Callable[[], object]) -> Iterator[Sequence[Received]]:
        """To the end of the scan, or until it was silent for too long; time without Redis does not count."""
        silent_s = 0.0
        while True:
            asked_at = time.monotonic()
            try:
                items: list[ScanItem] = self._ask(lambda: reader.read(timeout_s=LISTEN_S))
            except ScanVanished as gone:
                items = []
                yield [ScanGone(str(gone))]
            except ScanReplaced as gone:
                yield [ScanInterrupted(str(gone), replaced=True)]
                return
            listening()
            if items:
                if names := self._references.among(items):
                    yield [self._ask(partial(look_up, names, self._client))]
                yield items
                if isinstance(items[-1], ScanEnded):
                    return
                silent_s = 0.0
                continue
            silent_s += min(LISTEN_S, time.monotonic() - asked_at)
            if 0 < self._silence_s <= silent_s:
                why = f"the scan was silent for {silent_s:.0f} s: interrupted, resumed when it speaks"
                yield [ScanInterrupted(why, dict(reader.positions))]
                return

    def _what_is_there(self, reader: ScanReader) -> Iterator[Sequence[Received]]:
        """What Redis has at this moment, for a scan that is stopped; where Redis is away, nothing."""
        deadline = time.monotonic() + DRAIN_WITHIN_S
        with contextlib.suppress(*REDIS_AWAY):
            while time.monotonic() < deadline and (items := reader.read(timeout_s=0)):
                if names := self._references.among(items):
                    yield [look_up(names, self._client)]
                yield items
                if isinstance(items[-1], ScanEnded):
                    return
