"""What can go wrong between Redis and us; every message says what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from nexus_writer.model import Block


class DataError(Exception):
    """Anything that this package raises by itself; it may travel between processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args, self.__dict__)


class BadRedisUrl(DataError):
    """The address cannot be understood."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url!r} is not a Redis address ({why}): give redis://HOST:PORT/1, rediss://HOST:PORT/1 or "
            "unix:///PATH?db=1"
        )


class NoRedisAddress(DataError):
    """Nobody said where Redis is."""

    def __init__(self) -> None:
        super().__init__(
            "no Redis address: give its URL, or set NEXUS_WRITER_REDIS_URL=redis://HOST:PORT/1, "
            "or set BEACON_HOST=HOST:PORT to ask Beacon"
        )


class RedisUnreachable(DataError):
    """Nothing that speaks Redis answers at ``url`` (password masked)."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"no Redis at {url} ({why}): start it, or correct the address")
        self.url = url


class RedisRefused(RedisUnreachable):
    """Redis answers, and does not let us in: password, user or number of the database."""

    def __init__(self, url: str, why: str) -> None:
        DataError.__init__(
            self, f"Redis at {url} refuses us ({why}): correct user, password or database in its URL"
        )
        self.url = url


class RedisNotTrusted(RedisUnreachable):
    """What answers shows a certificate that is not that of the host, or of no authority that we trust."""

    def __init__(self, url: str, why: str) -> None:
        DataError.__init__(
            self,
            f"the certificate of {url} is not trusted ({why}): give the file of its authority, "
            "?ssl_ca_certs=PATH, or the host's name as in the certificate",
        )
        self.url = url


class BadBeaconAddress(DataError):
    """The address of Beacon cannot be understood."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address!r} is not the address of a Beacon server ({why}): give HOST:PORT")


class BeaconUnreachable(DataError):
    """Beacon at ``address`` does not answer, or answers nonsense."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"no Beacon at {address} ({why}): start it, correct BEACON_HOST=HOST:PORT, or give the Redis URL"
        )
        self.address = address


class BeaconRefused(DataError):
    """Beacon answered that it does not know its Redis server."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"Beacon at {address} gives no Redis address ({why}): give the Redis URL itself")
        self.address = address


class UndecodablePickle(DataError):
    """Bytes from Redis are not a pickle that we read; nothing of them was executed."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not a readable pickle: {why}")
        self.why = why


class Undecodable(DataError):
    """Points of ``channel`` cannot be decoded.

    ``decoded`` holds the blocks of the same call that come before the bad entry.
    """

    def __init__(self, channel: str, why: str, decoded: Sequence[Block] = ()) -> None:
        super().__init__(
            f"channel {channel} cannot be decoded ({why}): it is given up; look at its publisher"
        )
        self.channel = channel
        self.why = why
        self.decoded = list(decoded)


class NotAClient(DataError, TypeError):
    """The address of a server was given where a client of it belongs."""

    def __init__(self) -> None:
        super().__init__("an address of Redis is no connection: give connect(address)")

    @classmethod
    def check(cls, connection: object) -> None:
        """Raises NotAClient for an address; anything that takes the commands of Redis will do."""
        if isinstance(connection, str | bytes):
            raise cls


class NoSuchNode(DataError):
    """Redis has no node of that key, in the format that we read."""

    def __init__(self, key: str, url: str) -> None:
        super().__init__(f"no node {key!r} in Redis at {url}: correct its name, or the address")
        self.key = key


class BadRecording(DataError):
    """The file is no recording."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} is no recording that can be replayed ({why}): give a file that nexus-writer record made"
        )


def _again(kind: type[DataError], args: tuple[Any, ...], state: dict[str, Any]) -> DataError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error
