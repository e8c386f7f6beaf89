"""The texts of all scans of a device, made when somebody asks, and anew where something may have changed.

A device tells of a thousand finished scans, up to four times a second.
"""

from __future__ import annotations

from collections.abc import Sequence

from nexus_writer.subscribers import ScanStatus

from .texts import TEXTS


class ScanTexts:
    """Remembers the texts of finished scans that were asked for. Belongs to the thread that serves Tango."""

    def __init__(self) -> None:
        self._finished: dict[str, dict[str, tuple[ScanStatus, str]]] = {}

    def of(self, name: str, scans: Sequence[ScanStatus], now: float) -> list[str]:
        """What an attribute says of each scan. Other scans than these are forgotten."""
        make = TEXTS[name]
        known = self._finished.get(name, {})
        finished: dict[str, tuple[ScanStatus, str]] = {}
        texts = []
        for scan in scans:
            told = known.get(scan.key)
            if told is None or told[0] is not scan:
                told = scan, make(scan, now)
            if scan.end_time is not None:
                finished[scan.key] = told
            texts.append(told[1])
        self._finished[name] = finished
        return texts
