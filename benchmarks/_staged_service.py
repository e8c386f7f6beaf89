"""``NexusWriterService`` that counts the CPU time of the stages of a point; the first argument names the file
that gets them, as JSON, when it ends: seconds by stage."""

from __future__ import annotations

import atexit
import functools
import json
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from nexus_writer.data.link import Link
from nexus_writer.data.point_runs import WireRows
from nexus_writer.data.streams import Streams
from nexus_writer.hdf5 import LiveFile
from nexus_writer.hdf5.point_digests import PointDigests
from nexus_writer.hdf5.staged_writes import StagedWrites
from nexus_writer.layout import ScanFile
from nexus_writer.layout.entry import Entry
from nexus_writer.subscribers.channel_feeds import ChannelFeeds
from nexus_writer.subscribers.scan_consumer import ScanConsumer

STAGES = {
    "read: positions": (Streams, "read"),
    "read: socket, parsing of replies": (Link, "call_packed"),
    "read: socket, bytes of runs": (Link, "read"),
    "read: points of runs": (WireRows, "take"),
    "queue: from replies to channels": (ScanConsumer, "feed"),
    "open the entry": (ScanConsumer, "open"),
    "create groups": (Entry, "add_channel"),
    "create datasets": (Entry, "create_dataset"),
    "decode": (ChannelFeeds, "decode"),
    "append": (ScanFile, "append"),
    "append: digest": (PointDigests, "add"),
    "append: points to their place": (LiveFile, "write_at"),
    "append: new chunks": (LiveFile, "write_chunk"),
    "flush: plots, counts": (ScanFile, "commit"),
    "flush: HDF5": (LiveFile, "flush"),
    "flush: pages to the file": (StagedWrites, "commit"),
    "finish": (ScanFile, "finish"),
    "finish: close": (LiveFile, "close"),
}


class Stages:
    """CPU time of each, without that of those within; by thread, so that two of them do not mix."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._local = threading.local()

    def count(self, stage: str, owner: type, name: str) -> None:
        """From now on ``owner.name`` is this stage."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            outer = getattr(self._local, "stage", None)
            self._enter(stage)
            try:
                return function(*args, **kwargs)
            finally:
                self._enter(outer)

        setattr(owner, name, counted)

    def _enter(self, stage: str | None) -> None:
        now_s, local = time.thread_time(), self._local
        if (before := getattr(local, "stage", None)) is not None:
            self.seconds[before] += now_s - local.since_s
        local.stage, local.since_s = stage, now_s


if __name__ == "__main__":
    from tango_server.service import main

    stages = Stages()
    for stage, (owner, name) in STAGES.items():
        stages.count(stage, owner, name)
    target = Path(sys.argv.pop(1))
    atexit.register(lambda: target.write_text(json.dumps(stages.seconds)))
    main()
