"""All scans of a session in numbers: those that are done are counted once, and asked no more."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .state import SubscriberState
from .status import ScanStatus, SessionStatistics

RATE_OVER_S = 1.0
"""Points per second are averaged over at least this long."""


class Tally:
    """Counts on what it is told of scans that are done. Belongs to the thread of the session."""

    def __init__(self) -> None:
        self._finished = 0
        self._failed = 0
        self._points = 0
        self._bytes = 0
        self._sampled_at = time.monotonic()
        self._sampled_points = 0
        self._points_per_s = 0.0

    def add(self, status: ScanStatus, count: int = 1) -> None:
        """A scan that is done, in its last status: it is counted from now on without being asked."""
        failed = status.state == SubscriberState.FAULT.name
        self._failed += count * failed
        self._finished += count * (not failed)
        self._points += count * status.progress.points
        self._bytes += count * status.progress.bytes

    def remove(self, status: ScanStatus) -> None:
        """A scan that was added goes on, or another one has its name."""
        self.add(status, -1)

    def statistics(self, statuses: Sequence[ScanStatus]) -> SessionStatistics:
        """Those that were added, and these."""
        running = [one for one in statuses if one.state in ("INIT", "ON")]
        points = self._points + sum(one.progress.points for one in statuses)
        return SessionStatistics(
            running=len(running),
            finished=self._finished + sum(one.state == "OFF" for one in statuses),
            failed=self._failed + sum(one.state == "FAULT" for one in statuses),
            points=points,
            bytes=self._bytes + sum(one.progress.bytes for one in statuses),
            points_per_s=self._rate(points),
            lag_s=max((one.lag_s for one in running), default=0.0),
            lag_entries=sum(one.lag_entries for one in running),
            lag_fill=max((one.lag_fill for one in running), default=0.0),
            queue_fill=max((one.queue_fill for one in running), default=0.0),
        )

    def _rate(self, points: int) -> float:
        elapsed_s = time.monotonic() - self._sampled_at
        if elapsed_s >= RATE_OVER_S:
            self._points_per_s = (points - self._sampled_points) / elapsed_s
            self._sampled_at, self._sampled_points = time.monotonic(), points
        return self._points_per_s
