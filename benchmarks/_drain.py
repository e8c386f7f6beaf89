"""The limit that every reader of Redis is held against: read the streams, do nothing with what comes."""

from __future__ import annotations

from collections.abc import Sequence

import redis

ENTRIES_PER_REPLY = 2000


def drain(client: redis.Redis, channel_keys: Sequence[str]) -> int:
    """Number of entries in the data streams of these channels, read by one XREAD each time."""
    connection = client.connection_pool.make_connection()
    connection.connect()
    names = [f"{key}_data".encode() for key in channel_keys]
    position = dict.fromkeys(names, b"0-0")
    count = max(1, ENTRIES_PER_REPLY // len(names))
    entries = 0
    while True:
        connection.send_command(b"XREAD", b"COUNT", count, b"STREAMS", *names, *position.values())
        reply = connection.read_response()
        if not reply:
            break
        for name, found in reply:
            position[name] = found[-1][0]
            entries += len(found)
    connection.disconnect()
    return entries
