"""Ids of stream entries: ``<ms of the server's clock>-<number>``, or ``<index of the first point + 1>-0``."""

from __future__ import annotations

import redis

from nexus_writer.data.connection import server_time_ms

_LAST_NUMBER = 2**64 - 1


def stream_id(since: int | str | bytes) -> bytes:
    """The id behind which reading starts: ``since`` is an id, or a time in ms."""
    if isinstance(since, int):
        return b"%d-0" % since
    text = since if isinstance(since, bytes) else since.encode()
    return text if b"-" in text else text + b"-0"


def parsed(entry_id: bytes) -> tuple[int, int]:
    """For comparing."""
    time_ms, _, number = entry_id.partition(b"-")
    return int(time_ms), int(number or 0)


def just_before(entry_id: bytes) -> bytes:
    """The id behind which an entry is the first that can be."""
    time_ms, number = parsed(entry_id)
    return b"%d-%d" % ((time_ms, number - 1) if number else (time_ms - 1, _LAST_NUMBER))


def from_now_on(connection: redis.Redis) -> bytes:
    """The id behind which everything is that is published from now on, by the clock of the server.

    The clock of this host does not matter. What was published in the same ms, but before, is included.
    """
    return b"%d-%d" % (server_time_ms(connection) - 1, _LAST_NUMBER)
