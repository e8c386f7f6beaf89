"""The points of a scan that wait for the next flush, as they came from Redis."""

from __future__ import annotations

import time
from collections.abc import ItemsView

from nexus_writer.data.point_runs import PointRun
from nexus_writer.data.streams import RawEntry

from .entry_size import entry_size

FIRST_WITHIN_S = 0.03
"""How long the first points of a channel wait. Its dataset is made with them (0.1 ms): the end of a scan that
is shorter than a flush period would have to wait for a thousand of these."""

MOST_ENTRIES = 120
"""Of each channel, on average, and of 100 channels where there are fewer: an entry is a list and ten objects,
560 bytes whatever it holds, and a flush costs as much as 10 of them for each channel."""
_LEAST_CHANNELS = 100

Part = list[RawEntry] | PointRun
"""What came of one channel in one reply."""


class PendingPoints:
    """By channel, in the order of their streams. They are due when they are many, or have waited long; first
    points, after a moment.

    What waited elsewhere while the last ones went into the file is not late for that: the next replies would
    each be a flush of their own, and so those behind them.
    """

    def __init__(self, flush_bytes: int, flush_period_s: float) -> None:
        self._flush_bytes = flush_bytes
        self._flush_period_s = flush_period_s
        self._period_s = flush_period_s
        self._streams: dict[str, list[Part]] = {}
        self._known: set[str] = set()
        self._bytes = 0
        self._entries = 0
        self._oldest: float | None = None
        self._since = 0.0

    def __bool__(self) -> bool:
        return bool(self._streams)

    def begin(self, received_at: float) -> None:
        """Something was received, by the monotonic clock: the time runs, also for what is not kept here."""
        if self._oldest is None:
            self._oldest = received_at
            self._since = max(received_at, self._since)

    def add(self, key: str, entries: list[RawEntry]) -> None:
        """What comes next of a channel; ``entries`` are not empty."""
        self._add(key, entries, len(entries) * entry_size(entries[-1]))
        self._entries += len(entries)

    def add_run(self, key: str, run: PointRun) -> None:
        """What comes next of a channel."""
        self._add(key, run, run.values.nbytes)

    def _add(self, key: str, part: Part, nbytes: int) -> None:
        parts = self._streams.get(key)
        if parts is None:
            self._streams[key] = [part]
            if key not in self._known:
                self._known.add(key)
                self._period_s = min(FIRST_WITHIN_S, self._flush_period_s)
        else:
            parts.append(part)
        self._bytes += nbytes

    def streams(self) -> ItemsView[str, list[Part]]:
        """All that wait, by channel."""
        return self._streams.items()

    def seconds_to_flush(self) -> float | None:
        """How long they may wait still; None when nothing was received."""
        if self._oldest is None:
            return None
        most_entries = MOST_ENTRIES * max(len(self._streams), _LEAST_CHANNELS)
        if self._bytes >= self._flush_bytes or self._entries >= most_entries:
            return 0.0
        return max(0.0, self._since + self._period_s - time.monotonic())

    def age_s(self) -> float:
        """Of the oldest; 0 when nothing was received."""
        oldest = self._oldest
        return 0.0 if oldest is None else max(0.0, time.monotonic() - oldest)

    def clear(self) -> None:
        """They are in the file. A hundred thousand entries take 30 ms to be freed, and no other thread runs
        while one list of them is: so they go reply by reply."""
        streams, self._streams = self._streams, {}
        while streams:
            _, parts = streams.popitem()
            while parts:
                parts.pop()
        self._bytes = self._entries = 0
        self._oldest = None
        self._period_s = self._flush_period_s
        self._since = time.monotonic()
