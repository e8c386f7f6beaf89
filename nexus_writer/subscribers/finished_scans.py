"""The finished scans of a session, and which of them are forgotten when."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from .finished import FinishedScan
from .retention import Retention

LEAST_KNOWN_S = 5.0
"""No others drive out a scan that ended less than this ago: its beamline asks for it."""


class FinishedScans:
    """By key, in the order in which they ended. To forget some costs as much as those are, not as all."""

    def __init__(self) -> None:
        self._saved: OrderedDict[str, FinishedScan] = OrderedDict()
        self._failed: OrderedDict[str, FinishedScan] = OrderedDict()
        self._silent: dict[str, FinishedScan] = {}

    def __len__(self) -> int:
        return len(self._saved) + len(self._failed) + len(self._silent)

    def add(self, scan: FinishedScan) -> None:
        """The scan that ended last."""
        self._of(scan)[scan.key] = scan

    def remove(self, key: str) -> FinishedScan | None:
        """It is not one of them any more; None where it was none."""
        for scans in (self._saved, self._failed, self._silent):
            if (scan := scans.pop(key, None)) is not None:
                return scan
        return None

    def forget(self, retention: Retention, at: float) -> Iterator[FinishedScan]:
        """Those that are to be forgotten ``at`` this time of the process; they are out of here when told.

        A scan that is merely silent is kept: when it speaks, its beamline asks for it at once.
        """
        yield from _ended_before(self._saved, at - retention.saved_s)
        yield from _ended_before(self._failed, at - retention.failed_s)
        while len(self._saved) + len(self._failed) > retention.most:
            crowd = self._failed if len(self._failed) > retention.most / 2 else self._saved
            first = next(_ended_before(crowd, at - LEAST_KNOWN_S), None)
            if first is None:
                return
            yield first

    def _of(self, scan: FinishedScan) -> dict[str, FinishedScan]:
        if scan.silent:
            return self._silent
        return self._failed if scan.failed else self._saved


def _ended_before(scans: OrderedDict[str, FinishedScan], time_s: float) -> Iterator[FinishedScan]:
    """The first ones, out of the others."""
    while scans:
        scan = next(iter(scans.values()))
        if scan.ended_s > time_s:
            return
        del scans[scan.key]
        yield scan
