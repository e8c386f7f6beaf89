"""Which writer may write which file: a lease in Redis, held by one of them at a time.

A lease is of a file, as its scans name it (many scans share one), and lasts for a second or so: its owner
renews it for as long as it lives. Each time that it goes to somebody its fencing number grows. So an owner
who slept comes back to one of three: the lease is still its own; it is free, and nobody had it meanwhile (its
text is the last one): it is its own again; or it is, or was, somebody else's: it is lost, also when the
other has finished and given it back.

Every step is one script in the server, so there is nothing between looking and doing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import own_keys
from nexus_writer.data.keys import to_text

LIFETIME_S = 1.2
FENCE_KEPT_S = 7 * 86400
"""Longer than anybody sleeps."""

_TAKE = """
local held = redis.call('GET', KEYS[1])
if held then return held end
local last = redis.call('GET', KEYS[2]) or ''
held = string.format('%d %s', (tonumber(string.match(last, '^%d+')) or 0) + 1, ARGV[1])
redis.call('SET', KEYS[2], held, 'EX', ARGV[3])
redis.call('SET', KEYS[1], held, 'PX', ARGV[2])
return held
"""
_RENEW = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return held end
if not held then
  local last = redis.call('GET', KEYS[2])
  if last and last ~= ARGV[1] then return '' end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return ARGV[1]
"""
_GIVE_BACK = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of ``owner`` to write the file ``path``; ``fence`` counts those who had it."""

    path: str
    owner: str
    fence: int

    @property
    def text(self) -> str:
        """As Redis has it."""
        return f"{self.fence} {self.owner}"

    @classmethod
    def from_text(cls, path: str, text: bytes | None) -> Lease | None:
        """None for one that is free."""
        fence, _, owner = to_text(text or b"").partition(" ")
        return cls(path, owner, int(fence)) if owner and fence.isdigit() else None


class Leases:
    """Leases of the files of one session, for one owner: a name without spaces, of its own.

    Raises redis.RedisError. Knows no clock: who renews has to know when it asked.
    """

    def __init__(self, session: str, owner: str, *, lifetime_s: float = LIFETIME_S) -> None:
        self.session = session
        self.owner = owner
        self.lifetime_s = lifetime_s

    def take(self, client: redis.Redis, path: str) -> Lease:
        """The lease of a file, as it is now: its own where it was free, or was its own already."""
        arguments = (self.owner, self._lifetime_ms, FENCE_KEPT_S)
        held: Any = client.eval(_TAKE, 2, *self._keys(path), *arguments)
        lease = Lease.from_text(path, held)
        return Lease(path, "somebody", 0) if lease is None else lease

    def renew(self, pipeline: redis.client.Pipeline, lease: Lease) -> None:
        """Put into ``pipeline`` what lets a lease last; ``renewed`` understands the answer."""
        arguments = (lease.text, self._lifetime_ms, FENCE_KEPT_S)
        pipeline.eval(_RENEW, 2, *self._keys(lease.path), *arguments)

    @staticmethod
    def renewed(lease: Lease, answer: bytes) -> Lease | None:
        """The lease as it is now: the same, or that of another owner; None when another had it meanwhile."""
        return Lease.from_text(lease.path, answer)

    def give_back(self, pipeline: redis.client.Pipeline, lease: Lease) -> None:
        """Put into ``pipeline`` what frees a lease; where it is somebody else's, nothing happens."""
        pipeline.eval(_GIVE_BACK, 1, own_keys.lease(self.session, lease.path), lease.text)

    @property
    def _lifetime_ms(self) -> int:
        return round(self.lifetime_s * 1000)

    def _keys(self, path: str) -> tuple[str, str]:
        return own_keys.lease(self.session, path), own_keys.fence(self.session, path)


def held_leases(client: redis.Redis, session: str, paths: Sequence[str]) -> dict[str, Lease | None]:
    """Who may write these files, in one round trip; None for those that are free."""
    if not paths:
        return {}
    held: Any = client.mget([own_keys.lease(session, path) for path in paths])
    return {path: Lease.from_text(path, text) for path, text in zip(paths, held, strict=True)}
