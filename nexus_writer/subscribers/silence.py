"""Scans of which nothing is heard any more: their acquisition has died, or takes its time."""

from __future__ import annotations

from collections.abc import Mapping

import redis

from nexus_writer.data.scan_items import ScanEnded
from nexus_writer.data.scan_reader import ScanReader


def wait_until_it_speaks(client: redis.Redis, key: str, since: Mapping[str, bytes]) -> None:
    """Return when more of a scan was published than ``since``, the positions where its reading ended.

    Raises ScanVanished when Redis has forgotten the scan, redis.ConnectionError.
    """
    reader = ScanReader(client, key)
    try:
        while items := reader.read(timeout_s=0):
            if isinstance(items[-1], ScanEnded):
                return
        if dict(reader.positions) == dict(since):
            reader.read()
    finally:
        reader.close()
