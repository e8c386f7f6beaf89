"""The texts of all scans of a device, made anew only for scans of which something may have changed.

A device that saves a short scan every second tells of some hundred finished ones, four times a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from nexus_writer.subscribers import ScanStatus

from .texts import texts_of

Texts = dict[str, str]


class ScanTexts:
    """Remembers the texts of finished scans. Belongs to the thread that serves Tango."""

    def __init__(self) -> None:
        self._finished: dict[str, tuple[ScanStatus, Texts]] = {}

    def of(self, scans: Sequence[ScanStatus], now: float) -> list[Texts]:
        """Of each scan, by attribute. Other scans than these are forgotten."""
        finished: dict[str, tuple[ScanStatus, Texts]] = {}
        found = []
        for scan in scans:
            known = self._finished.get(scan.key)
            if known is None or known[0] is not scan:
                known = scan, texts_of(scan, now)
            if scan.end_time is not None:
                finished[scan.key] = known
            found.append(known[1])
        self._finished = finished
        return found
