"""Scans of which nothing is heard any more: their acquisition may have died, or takes its time."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Silence:
    """``since`` is when the scan was heard last, in seconds since 1970; ``asked``: how often it has been
    looked at after that."""

    since: float
    due_s: float
    asked: int = 0


class Silences:
    """Which scans have been silent for ``after_s`` seconds, and again after as long. 0: none ever is."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._of: dict[str, Silence] = {}

    def heard(self, scan: str) -> None:
        if self._after_s > 0:
            self._of[scan] = Silence(time.time(), time.monotonic() + self._after_s)

    def heard_all(self) -> None:
        """Nothing could be heard until now."""
        for scan in list(self._of):
            self.heard(scan)

    def forget(self, scan: str) -> None:
        self._of.pop(scan, None)

    def due_in_s(self) -> float | None:
        """Seconds until a scan has been silent long enough; None: none is being listened for."""
        due_s = min((one.due_s for one in self._of.values()), default=None)
        return None if due_s is None else max(0.0, due_s - time.monotonic())

    def due(self) -> list[tuple[str, Silence]]:
        """The scans that have been silent long enough now."""
        now_s = time.monotonic()
        found = [(scan, one) for scan, one in self._of.items() if one.due_s <= now_s]
        for _, silence in found:
            silence.due_s = now_s + self._after_s
            silence.asked += 1
        return found
