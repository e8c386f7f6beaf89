"""How close Redis is to throwing away points of a scan that were not read."""

from __future__ import annotations

import contextlib
import logging

import gevent
import redis

from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.data.unread import Unread

logger = logging.getLogger(__name__)
ASK_EVERY_S = 0.5
WARN_AT = (0.25, 0.5, 0.75)
"""Parts of what Redis keeps of a channel; each is warned of once, until the reader has caught up."""
CAUGHT_UP_BELOW = 0.1


class LagWatch:
    """Asks Redis how much of a scan waits there. ``unread`` is the last answer; any thread may read it."""

    unread: Unread

    def __init__(self, key: str) -> None:
        self.key = key
        self.unread = Unread()
        self._warned_of = 0

    def follow(self, reader: ScanReader) -> None:
        """Never returns: run it in a greenlet, beside a listener that may wait for its consumer.

        Where Redis is away, or does not answer such a question, nothing is known, and nothing else happens.
        """
        while True:
            gevent.sleep(ASK_EVERY_S)
            with contextlib.suppress(redis.RedisError, OSError):
                self.note(reader.unread())

    def note(self, unread: Unread) -> None:
        """Keep an answer, and warn while there is time to do something."""
        self.unread = unread
        reached = sum(unread.fill >= limit for limit in WARN_AT)
        if reached > self._warned_of:
            logger.warning(
                "[%s] %.0f %% of what Redis keeps of a channel was not read yet, at 100 %% BLISS drops "
                "points: look at the reason of the scan, the disk and the load of this host",
                self.key,
                100 * unread.fill,
            )
            self._warned_of = reached
        elif unread.fill < CAUGHT_UP_BELOW:
            self._warned_of = 0
