"""When points are due: by a clock that counts from the start, so that small delays do not add up."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Point i is due (i + 1) / ``rate_hz`` after the clock was made."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._began_s = time.monotonic()

    def seconds_to(self, stop: int) -> float:
        """Until the points before ``stop`` are due; below 0 when they are."""
        return self._began_s + stop / self.rate_hz - time.monotonic()

    def late(self, start: int, stop: int, grace_s: float) -> int:
        """How many of the points ``start`` to ``stop`` (not included) were due ``grace_s`` ago or earlier."""
        elapsed_s = time.monotonic() - self._began_s - grace_s
        return min(max(0, int(elapsed_s * self.rate_hz) - start), stop - start)
