"""The leases that this process holds, as those who write see them.

They are taken and renewed in the thread of the session (its hub goes on while a disk hangs), and looked at in
the writer thread, right before each batch of writes: two numbers are compared. A process that slept finds
that its time is over, and then writes nothing before Redis was asked again. What a sleep between that look
and the write can still do, the locks of the file take care of: who sleeps holds them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import gevent
import redis

from nexus_writer.data.leases import Lease, Leases

from .errors import Finished

MARGIN_S = 0.1
"""A lease is thought to end so much earlier than Redis ends it."""
LOOK_EVERY_S = 0.02
LAST_WAIT_S = 3.0
"""Who is asked to end waits so long for a Redis that is away; then the locks of the file have to do."""


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
        self.lost: LeaseLost | None = None
        self._until = until

    def holds(self) -> bool:
        """Whether the file may be written now."""
        return self.lost is None and now() < self._until

    def check(self, ending: Callable[[], bool]) -> None:
        """Return when the file may be written. Raises LeaseLost; in the writer thread.

        While Redis is away nobody else can take the file either: the writing waits. But for one that is
        ``ending``, which waits for ``LAST_WAIT_S``: its locks keep others out as long as it writes.
        """
        patience_s = LAST_WAIT_S
        while not self.holds():
            if self.lost is not None:
                raise self.lost
            if ending():
                patience_s -= LOOK_EVERY_S
                if patience_s < 0:
                    return
            gevent.sleep(LOOK_EVERY_S)

    def extend(self, until: float) -> None:
        """It was renewed."""
        self._until = until

    def lose(self, owner: str) -> None:
        """It is ``owner``'s; "" when nobody knows whose it was."""
        self.lost = LeaseLost(self.lease.path, owner)


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

    def drop(self, claim: Claim) -> None:
        """A scan does not need it any more; the last one gives it back, with the outcome of the scan."""
        claim.users -= 1
        path = claim.lease.path
        if claim.users == 0 and self._claims.get(path) is claim:
            del self._claims[path]
            self._returned[path] = claim.lease

    def renew(self, pipeline: redis.client.Pipeline) -> Callable[[list[bytes]], list[Claim]]:
        """Put one command for each claim into the pipeline.

        What is returned wants the answers, those of other commands behind them, and gives the claims that
        were lost.
        """
        asked_at = now()
        claims = list(self._claims.values())
        for claim in claims:
            self._leases.renew(pipeline, claim.lease)

        def understand(answers: list[bytes]) -> list[Claim]:
            pairs = zip(claims, answers, strict=False)
            return [claim for claim, answer in pairs if not self._still_ours(claim, answer, asked_at)]

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

    def assume(self) -> None:
        """Redis refuses to keep leases: all that is left are the locks of the files."""
        for claim in self._claims.values():
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


def writer_name(writer_id: str) -> str:
    """As people read it: ``host (pid 123)``."""
    host, _, rest = writer_id.partition(":")
    pid = rest.partition(":")[0]
    return f"{host} (pid {pid})" if pid else host
