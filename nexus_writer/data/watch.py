"""Watching the scans of a session: that they start, how far they are, how they end.

    for happening in Watch.of_session("demo_session", connect()):
        print(happening)

A Redis that goes away is waited for, and the watch goes on where it was.
"""

from __future__ import annotations

import time
from collections import Counter
from pprint import pprint

import redis

from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME

from .connection import connect
from .errors import DataError
from .happenings import Happening, RedisBack, RedisGone, ScanEnded, ScanGone, ScanSilent, ScanStarted
from .nodes import ScanNode, get_node
from .scan_files import (
    scan_filename,
    scan_filenames,
    scan_info,
    scan_master_filenames,
    scan_name,
    scan_uri,
    scan_uris,
)
from .scan_watch import Watch
from .stop_handler import StopHandler

__all__ = [
    "NoSuchScan",
    "Watch",
    "scan_filename",
    "scan_filenames",
    "scan_info",
    "scan_master_filenames",
    "scan_name",
    "scan_uri",
    "scan_uris",
    "scan_watcher",
    "session_watcher",
]


class NoSuchScan(DataError):
    """Redis has no scan of that key."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"Redis has no scan {key!r}: give the key of its node, like session:data:sample_0001:1_loopscan, "
            "while Redis keeps it"
        )
        self.key = key


def session_watcher(
    session_name: str,
    *,
    connection: redis.Redis | None = None,
    stop_handler: StopHandler | None = None,
    entry_name: str = DEFAULT_ENTRY_NAME,
) -> None:
    """Print the scans of a session that start from now on, until Ctrl-C or the stop handler.

    Without a ``connection`` the environment says where Redis is (``connect``). Raises what that raises.
    """
    connection = connect() if connection is None else connection
    print("Start data processing ...", flush=True)
    try:
        with Watch.of_session(
            session_name, connection, stop_handler=stop_handler, entry_name=entry_name
        ) as watch:
            for happening in watch:
                _print(happening)
    except KeyboardInterrupt:
        pass
    print("\nData processing stopped", flush=True)


def scan_watcher(
    scan_name: str,
    *,
    connection: redis.Redis | None = None,
    stop_handler: StopHandler | None = None,
    entry_name: str = DEFAULT_ENTRY_NAME,
) -> ScanEnded | None:
    """Print one scan, by the key of its node, until it has ended; None when it was stopped before.

    Raises NoSuchScan, and what ``connect`` raises.
    """
    connection = connect() if connection is None else connection
    scan = get_node(scan_name, connection)
    if not isinstance(scan, ScanNode):
        raise NoSuchScan(scan_name)
    ended = None
    with Watch.of_scan(scan, stop_handler=stop_handler, entry_name=entry_name) as watch:
        for happening in watch:
            _print(happening)
            ended = happening if isinstance(happening, ScanEnded) else ended
    return ended


def _print(happening: Happening) -> None:
    if isinstance(happening, ScanStarted):
        print(f"\nSTART {happening.name}", flush=True)
        print(" URI:", list(happening.uris), flush=True)
    elif isinstance(happening, ScanEnded):
        pprint(Counter(happening.events))
        print(f"END {happening.name}", flush=True)
    elif isinstance(happening, RedisGone):
        print(f"Redis is gone ({happening.why}): waiting for it", flush=True)
    elif isinstance(happening, RedisBack):
        print("Redis is back", flush=True)
    elif isinstance(happening, ScanSilent):
        at = time.strftime("%H:%M:%S", time.localtime(happening.since))
        print(f"SILENT {happening.name}: nothing came since {at}, its acquisition may have died", flush=True)
    elif isinstance(happening, ScanGone):
        print(f"GONE {happening.name}: Redis has lost it", flush=True)
