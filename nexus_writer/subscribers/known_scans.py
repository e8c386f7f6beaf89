"""The scans of a session that a writer knows, whoever writes them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from .elsewhere import ScanElsewhere
from .errors import UnknownScan
from .finished import FinishedScan
from .finished_scans import FinishedScans
from .retention import Retention
from .scan import NexusScanWriter
from .status import SessionStatistics
from .tally import Tally

KnownScan = NexusScanWriter | ScanElsewhere | FinishedScan


class KnownScans:
    """By key, in the order in which they got known. Of one that is done only a :class:`FinishedScan` stays,
    which is forgotten some time later; ``forgotten`` is told its key.

    There may be thousands: what is done again and again costs as much as the scans that are not done, not as
    all that are known. Belongs to the thread of the session.
    """

    def __init__(self, forgotten: Callable[[str], None]) -> None:
        self._scans: dict[str, KnownScan] = {}
        self._active: dict[str, NexusScanWriter | ScanElsewhere] = {}
        self._finished = FinishedScans()
        self._tally = Tally()
        self._tell_forgotten = forgotten
        self._changes = 0

    def __len__(self) -> int:
        return len(self._scans)

    def __contains__(self, key: object) -> bool:
        return key in self._scans

    def __iter__(self) -> Iterator[KnownScan]:
        self.settle()
        return iter(list(self._scans.values()))

    def __reversed__(self) -> Iterator[KnownScan]:
        self.settle()
        return reversed(self._scans.values())

    @property
    def version(self) -> int | None:
        """The same as before when there is nothing else to tell of them; None while some are not done."""
        self.settle()
        return None if self._active else self._changes

    def get(self, key: str) -> KnownScan | None:
        """By full name; None when it is not known."""
        self.settle()
        return self._scans.get(key)

    def put(self, scan: NexusScanWriter | ScanElsewhere) -> None:
        """A scan, or who answers for it from now on."""
        self._drop_finished(scan.key)
        self._scans[scan.key] = self._active[scan.key] = scan
        self._changes += 1

    def make_room(self, key: str) -> None:
        """A new scan of an old key is about to come: it is the latest."""
        self._drop_finished(key)
        self._active.pop(key, None)
        self._scans.pop(key, None)
        self._changes += 1

    def find(self, name: str) -> KnownScan:
        """By full name; or by bare name, the one started last. Raises UnknownScan."""
        scan = self.get(name)
        if scan is None:
            scan = next((s for s in reversed(self._scans.values()) if s.name == name), None)
        if scan is None:
            raise UnknownScan(name)
        return scan

    def running(self) -> list[NexusScanWriter]:
        """Those that this process saves, and whose file is not complete."""
        own = (scan for scan in self._active.values() if isinstance(scan, NexusScanWriter))
        return [scan for scan in own if scan.end_time is None]

    def settle(self) -> None:
        """Keep of those that are done what clients may ask."""
        for key, scan in list(self._active.items()):
            if scan.done():
                del self._active[key]
                self._settled(scan.record())

    def finished(self, key: str) -> FinishedScan | None:
        """The scan of this key, if it is done."""
        scan = self.get(key)
        return scan if isinstance(scan, FinishedScan) else None

    def validated(self, key: str, findings: str) -> FinishedScan | None:
        """The scan of this key that is done, if there is one still, with what its validation found."""
        if (scan := self.finished(key)) is not None:
            scan.validated(findings)
            self._changes += 1
        return scan

    def silent_no_more(self, key: str) -> None:
        """Nobody listens to this scan any longer: it is forgotten like any other."""
        if (scan := self.finished(key)) is not None and scan.silent:
            self._finished.remove(key)
            scan.silent = False
            self._finished.add(scan)

    def purge(self, retention: Retention) -> None:
        """Forget those whose time is over; statistics keep counting them."""
        self.settle()
        for scan in self._finished.forget(retention, time.monotonic()):
            del self._scans[scan.key]
            self._changes += 1
            self._tell_forgotten(scan.key)

    def statistics(self) -> SessionStatistics:
        """All of them in numbers, those that are forgotten among them."""
        self.settle()
        return self._tally.statistics([scan.status() for scan in self._active.values()])

    def _settled(self, scan: FinishedScan) -> None:
        self._scans[scan.key] = scan
        self._finished.add(scan)
        self._changes += 1
        self._tally.add(scan.status())

    def _drop_finished(self, key: str) -> None:
        """It is no more what it was counted as."""
        if (scan := self._finished.remove(key)) is not None:
            self._tally.remove(scan.status())


def all_older_than(seconds: float) -> Retention:
    """Nothing but their age keeps scans."""
    return Retention(seconds, seconds, math.inf)
