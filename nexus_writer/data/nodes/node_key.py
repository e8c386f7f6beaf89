"""One of the keys that a node has in Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis

from nexus_writer.data import keys

_READ = -1


@dataclass(frozen=True, slots=True)
class NodeKey:
    """A key by its name; it need not exist."""

    name: str
    connection: redis.Redis

    @property
    def exists(self) -> bool:
        return bool(self.connection.exists(keys.to_bytes(self.name)))

    def ttl(self, seconds: int | None = _READ) -> int:
        """Seconds that Redis keeps it yet: -1 for ever, -2 where it does not exist.

        With ``seconds`` they are set before; None keeps it for ever.
        """
        key: Any = keys.to_bytes(self.name)
        if seconds is None:
            self.connection.persist(key)
        elif seconds != _READ:
            self.connection.expire(key, seconds)
        left: Any = self.connection.ttl(key)
        return int(left)

    def clear(self) -> None:
        """Delete it."""
        self.connection.delete(keys.to_bytes(self.name))
