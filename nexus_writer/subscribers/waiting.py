"""Scans that this writer would save, and another one may: until it is clear who does.

A scan waits while somebody has the lease of its file. It is taken when that lease is free: by the active
writer at once, by a standby when the scan has been there for a moment, so that a healthy active one is always
first. It is forgotten when a writer has done with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import gevent
import redis
from gevent.event import Event

from nexus_writer.data import own_keys
from nexus_writer.data.keys import to_bytes
from nexus_writer.data.leases import Lease, held_leases
from nexus_writer.data.roster import ALIVE_WITHIN_S, RECORD_KEPT_S, Outcome, read_outcome, statuses

from .backoff import Backoff
from .claims import Claim, Claims, now, writer_name
from .elsewhere import ScanElsewhere
from .follower import REDIS_AWAY
from .sought import Sought

LOOK_EVERY_S = 0.1
HEAR_EVERY_LOOKS = 3
"""So many looks at the leases to one at what their writers say."""
ANSWER_WITHIN_S = 1.0
AFTER_REDIS_S = 1.5
"""So long after Redis was away its owners may renew their leases first."""
STANDBY_AFTER_S = 0.5
"""A standby leaves a new scan to the active writer for so long."""
logger = logging.getLogger(__name__)

Begin = Callable[[Sought, Claim, bool], None]
"""Write a scan, with the claim of its file; whether another writer may have written it before. Where it
raises, the claim is not kept, and the scan waits on."""


class Decision(Enum):
    """What to do with a scan that waits."""

    WAIT = auto()
    TAKE = auto()
    FORGET = auto()


@dataclass(frozen=True, slots=True)
class Signs:
    """What Redis says of a scan: who has the lease of its file, how it ended, whether that writer lives."""

    lease: Lease | None
    outcome: Outcome | None
    writer_lives: bool = False


def decide(sought: Sought, signs: Signs, owner: str, *, standby: bool, at: float) -> Decision:
    """Pure. A lease of our own is for another scan in the same file: it may serve this one, too."""
    outcome = signs.outcome
    if outcome is not None and is_of(outcome, sought):
        if not outcome.silent:
            return Decision.FORGET
        if signs.writer_lives:  # it hears the scan as soon as that speaks
            return Decision.WAIT
    if signs.lease is not None and signs.lease.owner != owner:
        return Decision.WAIT
    if standby and at - sought.seen_at < STANDBY_AFTER_S:
        return Decision.WAIT
    return Decision.TAKE


def is_of(outcome: Outcome, sought: Sought) -> bool:
    """Whether it is that of this very scan; its key may have been that of another one before."""
    return outcome.status.get("start_time") == sought.start_time


@dataclass(slots=True)
class _Waiting:
    sought: Sought
    shown: ScanElsewhere
    last_writer: str = ""


class WaitingScans:
    """Belongs to the thread of the session; looks at Redis by a greenlet of its own while any scan waits."""

    def __init__(
        self,
        session: str,
        owner: str,
        claims: Claims,
        client: Callable[[], redis.Redis],
        begin: Begin,
        *,
        standby: bool,
    ) -> None:
        self._session = session
        self._owner = owner
        self._claims = claims
        self._client = client
        self._begin = begin
        self._standby = standby
        self._scans: dict[str, _Waiting] = {}
        self._some = Event()
        self._looks = 0
        self._take_from = 0.0
        self._greenlet: gevent.Greenlet | None = None

    def add(self, sought: Sought, shown: ScanElsewhere, last_writer: str = "") -> None:
        """Wait with this scan; ``shown`` tells clients of it meanwhile."""
        self._scans[sought.key] = _Waiting(sought, shown, last_writer)
        self._some.set()
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Take none of them any more."""
        self._scans.clear()
        if self._greenlet is not None:
            self._greenlet.kill(block=False)

    def _run(self) -> None:
        backoff = Backoff(LOOK_EVERY_S)
        while True:
            self._some.wait()
            try:
                self._look()
                backoff = Backoff(LOOK_EVERY_S)
            except REDIS_AWAY:
                gevent.sleep(backoff.next_s())
                self._take_from = now() + AFTER_REDIS_S
            except Exception as error:
                logger.warning("[%s] scans that wait: %s: %s", self._session, type(error).__name__, error)
                gevent.sleep(backoff.next_s())
            if not self._scans:
                self._some.clear()
            gevent.sleep(LOOK_EVERY_S)

    def _look(self) -> None:
        client = self._client()
        with _in_time():
            seen = self._signs(client, list(self._scans.values()))
            if self._looks % HEAR_EVERY_LOOKS == 0:
                self._hear(client, seen)
        self._looks += 1
        for one, signs in seen:
            decision = decide(one.sought, signs, self._owner, standby=self._standby, at=now())
            if decision is Decision.TAKE:
                if now() >= self._take_from:
                    self._take(client, one)
            elif decision is Decision.FORGET and signs.outcome is not None:
                one.shown.settle(signs.outcome.status)
                self._scans.pop(one.sought.key, None)
            elif signs.lease is not None:
                one.last_writer = signs.lease.owner

    def _take(self, client: redis.Redis, one: _Waiting) -> None:
        with _in_time():
            if not client.exists(to_bytes(one.sought.key)):
                one.shown.give_up("It is gone from Redis, and nobody has saved it to its end")
                self._scans.pop(one.sought.key, None)
                return
            claim = self._claims.take(client, one.sought.path)
        if isinstance(claim, Lease):
            return
        if self._scans.pop(one.sought.key, None) is None:
            self._claims.drop(claim)
            return
        before = f" from {writer_name(one.last_writer)}" if one.last_writer else ""
        logger.warning("[%s] taken over%s", one.sought.key, before)
        try:
            self._begin(one.sought, claim, True)
        except BaseException:
            self._claims.drop(claim)
            self._scans[one.sought.key] = one
            raise

    def _signs(self, client: redis.Redis, waiting: Sequence[_Waiting]) -> list[tuple[_Waiting, Signs]]:
        """First the leases, then the outcomes: who gives a lease back says at the same time how it ended."""
        leases = held_leases(client, self._session, [one.sought.path for one in waiting])
        keys = [to_bytes(own_keys.outcome(self._session, one.sought.key)) for one in waiting]
        texts: Any = client.mget(keys) if keys else []
        outcomes = [read_outcome(text) for text in texts]
        return [
            (one, Signs(leases[one.sought.path], outcome, self._lives(client, outcome)))
            for one, outcome in zip(waiting, outcomes, strict=True)
        ]

    def _lives(self, client: redis.Redis, outcome: Outcome | None) -> bool:
        if outcome is None or not outcome.silent:
            return False
        left_ms = client.pttl(own_keys.writer(self._session, outcome.writer))
        return bool(left_ms > (RECORD_KEPT_S - ALIVE_WITHIN_S) * 1000)

    def _hear(self, client: redis.Redis, seen: Sequence[tuple[_Waiting, Signs]]) -> None:
        """What the writers of these scans say of them, for clients who ask here."""
        held = [(one, signs.lease.owner) for one, signs in seen if signs.lease is not None]
        said = statuses(client, self._session, [(writer, one.sought.key) for one, writer in held])
        for (one, writer), status in zip(held, said, strict=True):
            one.shown.hear(writer, status)
        for one, signs in seen:
            if signs.lease is None and signs.writer_lives and signs.outcome is not None:
                one.shown.hear(signs.outcome.writer, signs.outcome.status)


def _in_time() -> gevent.Timeout:
    """For a block that asks Redis: a connection that hangs is given up."""
    return gevent.Timeout(ANSWER_WITHIN_S, redis.TimeoutError(f"no answer within {ANSWER_WITHIN_S:g} s"))
