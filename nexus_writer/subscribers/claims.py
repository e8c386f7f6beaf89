"""The leases that this process holds, as those who write see them.

They are taken and renewed in the thread of the session (its hub goes on while a disk hangs), and looked at in
the writer thread, right before each batch of writes: two numbers are compared. A process that slept finds
that its time is over, and then writes nothing before Redis was asked again. What a sleep between that look
and the write can still do, the locks of the file take care of: who sleeps holds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import redis

from nexus_writer.data.leases import Lease, Leases

from .errors import Finished

MARGIN_S = 0.1
"""A lease is thought to end so much earlier than Redis ends it."""
LOOK_EVERY_S = 0.02
LAST_WAIT_S = 3.0
"""Who is asked to end waits so long for a Redis that is away, once; then the locks of the file have to do."""


FOR_GOOD = ("unknown command", "ACL failure in script")


def now() -> float:
    """Seconds of a clock that goes on while the host sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class LeaseLost(Finished):
    """Another writer has the file now, or had it meanwhile: nothing more is written here."""

    def __init__(self, path: str, owner: str) -> None:
        self.owner = owner
        super().__init__(f"{path} goes on in {writer_name(owner) if owner else 'another writer'}")


class Claim:
    """The lease of one file, shared by all scans of a session that this process writes there.

    Any thread may ask; all else belongs to the thread of the session.
    """

    def __init__(self, lease: Lease, until: float) -> None:
        self.lease = lease
        self.users = 0
        self._lost_to: str | None = None
        self._until = until
        self._waited_s = 0.0
        self._looked_at = until

    @property
    def lost(self) -> LeaseLost | None:
        """A new one each time: an exception that was raised keeps what the frames of its thread had."""
        return None if self._lost_to is None else LeaseLost(self.lease.path, self._lost_to)

    def holds(self) -> bool:
        """Whether the file may be written now."""
        return self._lost_to is None and now() < self._until

    def check(self, ending: Callable[[], bool]) -> None:
        """Return when the file may be written. Raises LeaseLost; in the writer thread.

        While Redis is away nobody else can take the file either: the writing waits. But for one that is
        ``ending``: after ``LAST_WAIT_S`` in all, since the lease was renewed last, it writes without; its
        locks keep others out as long as it does.
        """
        while not self.holds():
            if self._lost_to is not None:
                raise LeaseLost(self.lease.path, self._lost_to)
            if ending() and self._has_waited():
                return
            gevent.sleep(LOOK_EVERY_S)

    def _has_waited(self) -> bool:
        """Time in which the process slept is no time to hear of Redis: it does not count."""
        at = now()
        self._waited_s += min(max(at - self._looked_at, 0.0), 2 * LOOK_EVERY_S)
        self._looked_at = at
        return self._waited_s >= LAST_WAIT_S

    def extend(self, until: float) -> None:
        """It was renewed."""
        self._until = until
        self._waited_s = 0.0

    def lose(self, owner: str) -> None:
        """It is ``owner``'s; "" when nobody knows whose it was."""
        self._lost_to = owner


class Claims:
    """The claims of one session writer, by path. Raises redis.RedisError where it takes a client."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._claims: dict[str, Claim] = {}
        self._returned: dict[str, Lease] = {}

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(self._claims)

    def take(self, client: redis.Redis, path: str) -> Claim | Lease:
        """A claim, which wants one ``drop``; or the lease of somebody else."""
        claim = self._claims.get(path)
        if claim is None:
            asked_at = now()
            lease = self._leases.take(client, path)
            if lease.owner != self._leases.owner:
                return lease
            self._returned.pop(path, None)
            claim = self._claims.setdefault(path, Claim(lease, self._until(asked_at)))
        claim.users += 1
        return claim

    def presume(self, path: str) -> Claim:
        """As ``take``, where Redis keeps no leases: all that is left are the locks of the file."""
        claim = self._claims.setdefault(path, Claim(Lease(path, self._leases.owner, 0), self._until(now())))
        claim.users += 1
        return claim

    def drop(self, claim: Claim) -> None:
        """A scan does not need it any more; the last one gives it back, with the outcome of the scan."""
        claim.users -= 1
        path = claim.lease.path
        if claim.users == 0 and self._claims.get(path) is claim:
            del self._claims[path]
            self._returned[path] = claim.lease

    def renew(self, pipeline: redis.client.Pipeline) -> Callable[[list[Any]], list[Claim]]:
        """Put one command for each claim into the pipeline.

        What is returned wants the answers, errors among them, those of other commands behind them, and gives
        the claims that were lost.
        """
        asked_at = now()
        claims = list(self._claims.values())
        for claim in claims:
            self._leases.renew(pipeline, claim.lease)

        def understand(answers: list[Any]) -> list[Claim]:
            lost = []
            for claim, answer in zip(claims, answers, strict=False):
                if isinstance(answer, redis.ResponseError):
                    self._refused(claim, answer)
                elif not self._still_ours(claim, answer, asked_at):
                    lost.append(claim)
            return lost

        return understand

    def give_back(self, pipeline: redis.client.Pipeline) -> Callable[[], None]:
        """Put one command for each claim that was dropped into the pipeline; what is returned is to be called
        when that went well."""
        returned = list(self._returned.values())
        for lease in returned:
            self._leases.give_back(pipeline, lease)

        def forget() -> None:
            for lease in returned:
                if self._returned.get(lease.path) is lease:
                    del self._returned[lease.path]

        return forget

    def keep_none(self) -> None:
        """Redis keeps no leases: there are none to be given back."""
        self._returned.clear()

    def _refused(self, claim: Claim, error: redis.ResponseError) -> None:
        """A lease that Redis would keep, but cannot now, waits like one of a Redis that is away."""
        if keeps_no_leases(error) and (claim.holds() or claim.lease.fence == 0):
            claim.extend(self._until(now()))

    def _still_ours(self, claim: Claim, answer: bytes, asked_at: float) -> bool:
        lease = self._leases.renewed(claim.lease, answer)
        if lease == claim.lease:
            claim.extend(self._until(asked_at))
            return True
        claim.lose("" if lease is None else lease.owner)
        if self._claims.get(claim.lease.path) is claim:
            del self._claims[claim.lease.path]
        return False

    def _until(self, asked_at: float) -> float:
        return asked_at + self._leases.lifetime_s - MARGIN_S


def keeps_no_leases(error: redis.ResponseError) -> bool:
    """Whether Redis refuses for good, to this user or to all. One that is full, or read-only, may recover."""
    text = str(error)
    return isinstance(error, redis.exceptions.NoPermissionError) or text.startswith(FOR_GOOD)


def writer_name(writer_id: str) -> str:
    """As people read it: ``host (pid 123)``."""
    host, _, rest = writer_id.partition(":")
    pid = rest.partition(":")[0]
    return f"{host} (pid {pid})" if pid else host
