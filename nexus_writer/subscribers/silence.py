"""Scans of which nothing is heard any more: their acquisition has died, or takes its time."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from nexus_writer.data.scan_items import ScanEnded
from nexus_writer.data.scan_reader import ScanReader, ScanVanished
from nexus_writer.data.stream_id import parsed


def wait_until_it_speaks(client: redis.Redis, key: str, since: Mapping[str, bytes]) -> None:
    """Return when more of a scan was published than ``since``, the positions where its reading ended.

    What Redis has forgotten meanwhile is no sign of life. Raises ScanVanished when it has forgotten the whole
    scan, redis.ConnectionError.
    """
    if not client.exists(key):
        raise ScanVanished(key)
    reader = ScanReader(client, key)
    try:
        while items := reader.read(timeout_s=0):
            if isinstance(items[-1], ScanEnded):
                return
        if not _has_more(reader.positions, since):
            reader.read()
    finally:
        reader.close()


def _has_more(positions: Mapping[str, bytes], since: Mapping[str, bytes]) -> bool:
    """Whether there is a channel that was not there, or one that has got points."""
    return any(key not in since or parsed(at) > parsed(since[key]) for key, at in positions.items())
