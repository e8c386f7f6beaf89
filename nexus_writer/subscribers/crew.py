"""A session writer among the others of its session: its heartbeat, its leases, what it says of its scans.

Everything here runs in the thread of the session, whose hub goes on while a disk hangs: so a scan whose
writer is blocked in a write keeps its lease. A heartbeat is one pipeline for all leases; every third one
says what there is to say, in one transaction: a writer that gives a lease back says at the same time what
became of the scans it was for.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gevent
import redis
from gevent.event import Event
from gevent.pool import Group

import nexus_writer
from nexus_writer.data import own_keys
from nexus_writer.data.keys import to_bytes
from nexus_writer.data.leases import Lease, Leases
from nexus_writer.data.roster import (
    Outcome,
    RosterEntry,
    WriterRecord,
    read_outcome,
    read_requests,
    request,
)

from .claims import Claim, Claims, keeps_no_leases, now, writer_name
from .follower import REDIS_AWAY
from .scan import NexusScanWriter
from .sought import Sought
from .state import SubscriberState
from .waiting import Begin, WaitingScans, is_of

PERIOD_S = 0.3
"""Of the heartbeat: a lease survives two that are lost."""
SPEAK_EVERY_S = 1.0
"""What the other writers are told waits so long, but for ends and beginnings."""
BEAT_WITHIN_S = 1.0
"""A heartbeat that takes longer begins anew, by another connection."""
OUTCOME_KEPT_S = 1800.0
"""Longer than Redis keeps the data of a scan."""
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Own:
    """A scan that this process writes, or has written."""

    scan: NexusScanWriter
    sought: Sought
    claim: Claim | None
    said: object = None


class Crew:
    """Belongs to the thread of its session. ``start`` begins the heartbeat, ``end`` says good-bye."""

    def __init__(
        self,
        session: str,
        connect: Callable[..., redis.Redis],
        begin: Begin,
        left: Callable[[Sought, str], None],
        *,
        standby: bool,
        device: str = "",
    ) -> None:
        """``begin`` starts to write a scan that waited; ``left`` is told of one that another writer has."""
        self.session = session
        self.standby = standby
        self.id = f"{socket.gethostname()}:{os.getpid()}:{random.getrandbits(32):08x}"
        self.name = writer_name(self.id)
        self._device = device
        self._since = time.time()
        self._connect = connect
        self._left = left
        self._client: redis.Redis | None = None
        self.claims = Claims(Leases(session, self.id))
        self.waiting = WaitingScans(session, self.id, self.claims, self.client, begin, standby=standby)
        self._entry = RosterEntry(session, self.id)
        self._own: dict[str, _Own] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._forgotten: set[str] = set()
        self._beat_now = Event()
        self._greenlets = Group()
        self._ending = False
        self._refused: set[bool] = set()

    # -- life --

    def start(self) -> None:
        """Begin the heartbeat."""
        if not self._greenlets:
            self._greenlets.spawn(self._beat_on)

    def end(self) -> None:
        """Take no more scans; the heart beats until those that are being written are complete."""
        self._ending = True
        self.waiting.stop()
        self._beat_now.set()

    def join(self, timeout: float) -> bool:
        """After ``end``: wait until its leases are given back; False when it takes longer."""
        self._greenlets.join(timeout)
        return not self._greenlets

    def client(self) -> redis.Redis:
        """Its own connection. Raises REDIS_AWAY."""
        if self._client is None:
            self._client = self._connect(green=True)
        return self._client

    # -- scans --

    def claim(self, path: str) -> Claim | None:
        """The claim of a file, for a scan that has just appeared; None when it has to wait.

        Raises REDIS_AWAY.
        """
        if self.standby:
            return None
        try:
            claim = self.claims.take(self.client(), path)
        except redis.ResponseError as error:
            self._warn_of_refusal(error)
            return self.claims.presume(path) if keeps_no_leases(error) else None
        return None if isinstance(claim, Lease) else claim

    def outcome(self, sought: Sought) -> Outcome | None:
        """What became of a scan that another writer has done with. Raises REDIS_AWAY."""
        key = own_keys.outcome(self.session, sought.key)
        found: Any = self.client().get(to_bytes(key))
        outcome = read_outcome(found)
        return outcome if outcome and is_of(outcome, sought) and not outcome.silent else None

    def drop(self, claim: Claim | None) -> None:
        """It is not needed."""
        if claim is not None:
            self.claims.drop(claim)

    def follow(self, scan: NexusScanWriter, sought: Sought, claim: Claim | None) -> None:
        """A scan is written here from now on; its claim, if any, is dropped when its file is complete."""
        own = self._own[scan.key] = _Own(scan, sought, claim)
        self._forgotten.discard(scan.key)
        self._greenlets.spawn(self._until_complete, own)
        self._beat_now.set()

    def forget(self, key: str) -> None:
        """Nobody asks for this scan any more."""
        if self._own.pop(key, None) is not None:
            self._forgotten.add(key)

    def ask(self, writer_id: str, scan: str, what: str) -> None:
        """Ask another writer to ``stop`` or ``kill`` a scan. Raises redis.RedisError."""
        if writer_id:
            request(self.client(), self.session, writer_id, scan, what)

    def _until_complete(self, own: _Own) -> None:
        scan, claim = own.scan, own.claim
        scan.join()
        if claim is None:
            return
        self.claims.drop(claim)
        if scan.left:
            self._forgotten.add(scan.key)
            self._own.pop(scan.key, None)
            if not self._ending:
                self._left(own.sought, claim.lost.owner if claim.lost else "")
        elif scan.completed or (scan.state is SubscriberState.OFF and not scan.opened):
            status = {**scan.status().to_dict(), "start_time": own.sought.start_time}
            self._outcomes[scan.key] = Outcome(self.id, status, silent=scan.silent_since is not None)
        self._beat_now.set()

    # -- heartbeat --

    def _beat_on(self) -> None:
        away, speak_at = False, now()
        while not (self._ending and not self.claims.paths and len(self._greenlets) == 1):
            began = now()
            if self._beat_now.is_set() or began >= speak_at:
                self._beat_now.clear()
                away = self._try(self._speak, away)
                speak_at = began + (PERIOD_S if away else SPEAK_EVERY_S)
            elif self.claims.paths:
                away = self._try(self._renew, away)
            self._beat_now.wait(max(0.01, PERIOD_S - (now() - began)))
        self._try(lambda: self._speak(leave=True), away)
        if self._client is not None:
            self._client.close()

    def _try(self, beat: Callable[[], None], away: bool) -> bool:
        """Whether Redis is away now; when it was not ``away`` before, that is said."""
        try:
            self.client()
            with gevent.Timeout(BEAT_WITHIN_S, redis.TimeoutError(f"no answer within {BEAT_WITHIN_S:g} s")):
                beat()
        except REDIS_AWAY as error:
            if not away:
                logger.warning("[%s] the leases of files are not renewed: %s", self.session, error)
            return True
        except redis.ResponseError as error:
            self._warn_of_refusal(error)
        except Exception:  # without a heartbeat nothing is written any more
            logger.exception("[%s] a heartbeat failed", self.session)
        return False

    def _warn_of_refusal(self, error: redis.ResponseError) -> None:
        """Once for each of the two."""
        for_good = keeps_no_leases(error)
        if for_good not in self._refused:
            what = "only locks keep writers apart" if for_good else "files are written when it does again"
            logger.warning("[%s] Redis keeps no leases (%s): %s", self.session, error, what)
        self._refused.add(for_good)

    def _renew(self) -> None:
        """The leases, and nothing else."""
        with self.client().pipeline(transaction=False) as pipeline:
            understand = self.claims.renew(pipeline)
            answers = pipeline.execute(raise_on_error=False)
        self._tell_of(understand(answers))
        _raise_first(answers)

    def _speak(self, leave: bool = False) -> None:
        """The leases, and all that there is to say and to hear."""
        outcomes, forgotten = dict(self._outcomes), set(self._forgotten)
        with self.client().pipeline() as pipeline:
            understand = self.claims.renew(pipeline)
            given_back = self.claims.give_back(pipeline)
            said = self._say(pipeline)
            for key, outcome in outcomes.items():
                self._entry.settle(pipeline, key, outcome, OUTCOME_KEPT_S)
            for key in forgotten:
                self._entry.forget(pipeline, key)
            behind = len(pipeline)
            self._entry.take_requests(pipeline)
            if leave:
                self._entry.leave(pipeline)
            else:
                self._entry.beat(pipeline, self._record())
            try:
                answers = pipeline.execute(raise_on_error=False)
            except redis.ResponseError:  # of one command, and so of all: the leases are asked for alone
                self._renew()
                raise
        self._tell_of(understand(answers))
        if isinstance(requests := answers[behind], list):
            for key, what in read_requests(requests):
                self._obey(key, what)
        _raise_first(answers)
        given_back()
        for own, status in said:
            own.said = status
        for key in outcomes:
            self._outcomes.pop(key, None)
        self._forgotten -= forgotten

    def _tell_of(self, lost: Sequence[Claim]) -> None:
        for claim in lost:
            logger.warning("[%s] %s: its scans are left alone here", self.session, claim.lost)

    def _say(self, pipeline: redis.client.Pipeline) -> list[tuple[_Own, object]]:
        """Put the statuses that may have changed into the pipeline."""
        said: list[tuple[_Own, object]] = []
        for own in self._own.values():
            what = (own.scan.state, own.scan.validation) if own.scan.done() else None
            if what is None or what != own.said:
                self._entry.say(pipeline, own.scan.key, own.scan.status().to_dict())
                said.append((own, what))
        return said

    def _record(self) -> WriterRecord:
        running = [own.scan.status() for own in self._own.values() if not own.scan.done()]
        return WriterRecord(
            self.id,
            socket.gethostname(),
            os.getpid(),
            self.standby,
            self._device,
            nexus_writer.__version__,
            self._since,
            len(running),
            round(max((status.lag_s for status in running), default=0.0), 3),
            self.claims.paths,
        )

    def _obey(self, key: str, what: str) -> None:
        own = self._own.get(key)
        if own is None or own.scan.done():
            return
        logger.info("[%s] another writer asks to %s it", key, what)
        if what == "stop":
            own.scan.stop()
        elif what == "kill":
            own.scan.kill()


def _raise_first(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer
