"""How much of a running scan Redis would throw away next that no file has yet.

Redis keeps so many entries of a stream. Writers say of themselves, every second or so, how much of a scan
they have not read, and how old the points are that they have not saved. Everything that was published since
then, or while no writer was there, may be missing in the file. So the estimate is never too low.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import deque

import redis

from nexus_writer.data.roster import present_writers, statuses

__all__ = ["FULL", "RELIEVED", "LagGuard"]

logger = logging.getLogger(__name__)
ASK_EVERY_S = 0.5
SAID_EVERY_S = 1.0
MOST_FLUSHES = 4096
FULL = 0.5
"""From this part of what Redis keeps on, something is done."""
RELIEVED = 0.25
"""Below this part, it is done no more."""


class LagGuard:
    """Watches one scan. ``fill`` is the part of what Redis keeps of the fullest channel that may not be in
    the file, 0 to 1 (points are being lost), as far as it is known."""

    def __init__(self, client: redis.Redis, session: str, scan: str, most_entries: int) -> None:
        self.fill = 0.0
        self._has_writer = False
        self._client = client
        self._session = session
        self._scan = scan
        self._most_entries = most_entries
        self._entries = 0
        self._published: deque[tuple[float, int]] = deque([(0.0, 0)])
        self._safe_entries = 0
        self._unread = 0
        self._asked_s = 0.0
        self._is_full = False

    def published(self, entries: int) -> None:
        """So many more entries are in the fullest channel."""
        self._entries += entries
        self._published.append((time.monotonic(), self._entries))
        if len(self._published) > MOST_FLUSHES:  # without some of them the estimate is higher
            self._published = deque(itertools.islice(self._published, 0, None, 2))
        self._estimate()

    def look(self) -> bool:
        """True from when much is not saved until little is; says so once. Asks Redis now and then."""
        now_s = time.monotonic()
        if now_s >= self._asked_s + ASK_EVERY_S:
            self._asked_s = now_s
            self._ask(now_s)
            self._estimate()
        was_full, self._is_full = self._is_full, self.fill >= (RELIEVED if self._is_full else FULL)
        if self._is_full and not was_full:
            logger.warning(
                "[%s] %.0f %% of what Redis keeps is in no file yet, at 100 %% points are lost: %s",
                self._scan,
                100 * self.fill,
                "look at the writer with nexus-writer status"
                if self._has_writer
                else "start a writer of the session",
            )
        return self._is_full

    def _ask(self, now_s: float) -> None:
        alive = [one for one in present_writers(self._client, self._session) if one.alive]
        self._has_writer |= bool(alive)
        said = statuses(self._client, self._session, [(one.record.id, self._scan) for one in alive])
        for writer, status in zip(alive, said, strict=True):
            if status is None or status.get("state") != "ON":
                continue
            try:
                lag_s, fill = float(status["lag_s"]), float(status["lag_fill"])
            except (KeyError, TypeError, ValueError):
                continue
            self._unread = round(min(1.0, fill) * self._most_entries)
            self._saved_until(now_s - writer.age_s - SAID_EVERY_S - lag_s)

    def _saved_until(self, when_s: float) -> None:
        while len(self._published) > 1 and self._published[1][0] <= when_s:
            self._published.popleft()
        self._safe_entries = max(self._safe_entries, self._published[0][1])

    def _estimate(self) -> None:
        at_risk = min(self._entries, self._entries - self._safe_entries + self._unread)
        self.fill = min(1.0, at_risk / self._most_entries)
