"""When a scan that waits would lose points: Redis keeps so many entries of a stream, and drops the oldest."""

from __future__ import annotations

LEAD_S = 3.0
"""A beamline looks at the state of a writer every 3 s, and aborts a scan whose writer is in FAULT."""


class TrimWatch:
    """Told now and then which part of what Redis keeps of a stream was not read: at 1 points are lost."""

    def __init__(self, lead_s: float = LEAD_S) -> None:
        self._lead_s = lead_s
        self._last: tuple[float, float] | None = None
        self.is_near = False
        """At the present rate that comes within ``lead_s``, or has come."""

    def look(self, fill: float, now_s: float) -> None:
        last, self._last = self._last, (now_s, fill)
        if last is None:
            return
        before_s, before = last
        per_s = (fill - before) / max(now_s - before_s, 1e-3)
        self.is_near = fill >= 1 or (per_s > 0 and fill + per_s * self._lead_s >= 1)
