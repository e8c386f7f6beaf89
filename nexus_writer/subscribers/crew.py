"""A session writer among the others of its session: its leases, and what it says and hears.

Everything here runs in the thread of the session, whose hub goes on while a disk hangs: so a scan whose
writer is blocked in a write keeps its lease. What there is to say is said in one transaction: a writer that
gives a lease back says at the same time what became of the scans it was for.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis
from gevent.pool import Group

import nexus_writer
from nexus_writer.data import own_keys
from nexus_writer.data.keys import to_bytes
from nexus_writer.data.leases import Lease, Leases
from nexus_writer.data.roster import (
    OtherWriters,
    Outcome,
    RosterEntry,
    WriterRecord,
    read_outcome,
    read_requests,
    request,
)

from .claims import Claim, Claims, keeps_no_leases, writer_name
from .heartbeat import Heartbeat
from .own_scans import OwnScan, OwnScans
from .scan import NexusScanWriter
from .sought import Sought
from .status import ScanStatus
from .waiting import Begin, WaitingScans, is_of

logger = logging.getLogger(__name__)


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
        self._own = OwnScans(self.id, self._entry)
        self._others = OtherWriters(session, self.id)
        self._heartbeat = Heartbeat(session, self.client, self._renew, self._speak)
        self._greenlets = Group()
        self._ending = False

    # -- life --

    def start(self) -> None:
        """Begin the heartbeat."""
        if not self._greenlets:
            self._greenlets.spawn(self._live)

    def end(self) -> None:
        """Take no more scans; the heart beats until those that are being written are complete."""
        self._ending = True
        self.waiting.stop()
        self._heartbeat.speak_now()

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
            self._heartbeat.warn_of_refusal(error)
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
        own = self._own.add(scan, sought, claim)
        self._greenlets.spawn(self._until_complete, own)
        self._tell()

    def changed(self, status: ScanStatus) -> None:
        """There is more to say of a scan that was written here."""
        self._own.changed(status)

    def forget(self, key: str) -> None:
        """Nobody asks for this scan any more."""
        self._own.forget(key)

    def ask(self, writer_id: str, scan: str, what: str) -> None:
        """Ask another writer to ``stop`` or ``kill`` a scan. Raises redis.RedisError."""
        if writer_id:
            request(self.client(), self.session, writer_id, scan, what)

    def _until_complete(self, own: OwnScan) -> None:
        scan, claim = own.scan, own.claim
        scan.join()
        if claim is None:
            self._own.done(own)
            return
        self.claims.drop(claim)
        if scan.left:
            self._own.leave(own)
            if not self._ending:
                self._left(own.sought, claim.lost.owner if claim.lost else "")
        else:
            self._own.settle(own)
        self._tell()

    def _tell(self) -> None:
        """A scan begins or ends: at once where another writer waits, else with those of the moment."""
        if self._others.present or self._ending:
            self._heartbeat.speak_now()
        else:
            self._heartbeat.speak_soon()

    # -- heartbeat --

    def _live(self) -> None:
        """Until the last scan is complete, and with it the last claim is dropped."""
        self._heartbeat.run(
            lambda: not (self._ending and not self.claims.paths and len(self._greenlets) == 1),
            lambda: bool(self.claims.paths),
        )
        self._heartbeat.beat(partial(self._speak, leave=True))
        if self._client is not None:
            self._client.close()

    def _renew(self) -> None:
        """The leases, and nothing else."""
        with self.client().pipeline(transaction=False) as pipeline:
            understand = self.claims.renew(pipeline)
            answers = pipeline.execute(raise_on_error=False)
        self._tell_of(understand(answers))
        _raise_first(answers)

    def _speak(self, leave: bool = False) -> None:
        """The leases, and all that there is to say and to hear."""
        with self.client().pipeline() as pipeline:
            understand = self.claims.renew(pipeline)
            given_back = self.claims.give_back(pipeline)
            renewed = len(pipeline)
            heard, understand_requests = self._talk(pipeline, leave)
            try:
                answers = pipeline.execute(raise_on_error=False)
            except redis.ResponseError as error:  # of one command, and so of all
                if keeps_no_leases(error):
                    self._speak_without_leases(leave)
                self._renew()
                raise
        self._tell_of(understand(answers))
        given_back()
        heard()
        understand_requests(answers[renewed:])
        _raise_first(answers)

    def _speak_without_leases(self, leave: bool) -> None:
        """Where Redis keeps none, for good, the rest is said alone. What it refuses of that is never said."""
        self.claims.keep_none()
        with self.client().pipeline(transaction=False) as pipeline:
            heard, understand_requests = self._talk(pipeline, leave)
            answers = pipeline.execute(raise_on_error=False)
        heard()
        understand_requests(answers)

    def _talk(
        self, pipeline: redis.client.Pipeline, leave: bool
    ) -> tuple[Callable[[], None], Callable[[Sequence[object]], None]]:
        """Put all into the pipeline that is no lease; what is returned is to be called when that went well,
        the second one with the answers."""
        before = len(pipeline)
        heard = self._own.tell(pipeline)
        behind = len(pipeline) - before
        self._entry.take_requests(pipeline)
        asked = len(pipeline) - before
        self._others.ask(pipeline)
        if leave:
            self._entry.leave(pipeline)
        else:
            self._entry.beat(pipeline, self._record())

        def understand(answers: Sequence[object]) -> None:
            self._others.hear(answers[asked:])
            if isinstance(requests := answers[behind], list):
                for key, what in read_requests(requests):
                    self._obey(key, what)

        return heard, understand

    def _tell_of(self, lost: Sequence[Claim]) -> None:
        for claim in lost:
            logger.warning("[%s] %s: its scans are left alone here", self.session, claim.lost)

    def _record(self) -> WriterRecord:
        running = self._own.all_running()
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
        scan = self._own.running(key)
        if scan is None:
            return
        logger.info("[%s] another writer asks to %s it", key, what)
        if what == "stop":
            scan.stop()
        elif what == "kill":
            scan.kill()


def _raise_first(answers: Sequence[object]) -> None:
    for answer in answers:
        if isinstance(answer, redis.ResponseError):
            raise answer
