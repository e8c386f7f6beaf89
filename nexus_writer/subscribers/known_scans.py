"""The scans of a session that a writer knows, whoever writes them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from .elsewhere import ScanElsewhere
from .errors import UnknownScan
from .scan import NexusScanWriter
from .status import SessionStatistics
from .tally import Tally

COLLECT_AFTER = 20
"""Scans that are forgotten before what they left is collected, which takes some 50 ms; 1 s where ten thousand
others are known."""
COLLECT_EVERY_S = 60.0
PURGE_EVERY_S = 1.0
KnownScan = NexusScanWriter | ScanElsewhere


class KnownScans:
    """By key, in the order in which they got known; those that finished long ago are forgotten.

    ``forgotten`` is told the key of each of those; ``collect`` gets rid of what they left in memory.
    Belongs to the thread of the session.
    """

    def __init__(self, forgotten: Callable[[str], None], collect: Callable[[], None]) -> None:
        self._scans: dict[str, KnownScan] = {}
        self._tally = Tally()
        self._tell_forgotten = forgotten
        self._collect = collect
        self._uncollected = 0
        self._collected_at_s = -math.inf
        self._purged_at_s = -math.inf

    def __len__(self) -> int:
        return len(self._scans)

    def __contains__(self, key: object) -> bool:
        return key in self._scans

    def __iter__(self) -> Iterator[KnownScan]:
        return iter(list(self._scans.values()))

    def get(self, key: str) -> KnownScan | None:
        """By full name; None when it is not known."""
        return self._scans.get(key)

    def put(self, scan: KnownScan) -> None:
        """A scan, or who answers for it from now on."""
        self._scans[scan.key] = scan

    def make_room(self, key: str) -> None:
        """A new scan of an old key is about to come: it is the latest."""
        self._scans.pop(key, None)

    def find(self, name: str) -> KnownScan:
        """By full name; or by bare name, the one started last. Raises UnknownScan."""
        scan = self._scans.get(name)
        if scan is None:
            scan = next((s for s in reversed(self._scans.values()) if s.name == name), None)
        if scan is None:
            raise UnknownScan(name)
        return scan

    def running(self) -> list[NexusScanWriter]:
        """Those that this process saves, and whose file is not complete."""
        own = (scan for scan in self._scans.values() if isinstance(scan, NexusScanWriter))
        return [scan for scan in own if scan.end_time is None]

    def purge_now_and_then(self, older_than_s: float) -> None:
        """:meth:`purge`, where the last time is long ago: there may be thousands to be looked at."""
        if time.monotonic() - self._purged_at_s >= min(PURGE_EVERY_S, older_than_s / 10):
            self.purge(older_than_s)

    def purge(self, older_than_s: float) -> None:
        """Forget those that finished more than ``older_than_s`` s ago; statistics keep counting them.

        A scan that is merely silent is kept: when it speaks, its beamline asks for it at once.
        """
        self._purged_at_s = time.monotonic()
        before = time.time() - older_than_s
        for scan in self:
            if scan.end_time is not None and scan.end_time <= before and scan.silent_since is None:
                del self._scans[scan.key]
                self._tell_forgotten(scan.key)
                self._tally.forget(scan.status())
                self._collect_now_and_then()

    def statistics(self) -> SessionStatistics:
        """All of them in numbers, those that are forgotten among them."""
        return self._tally.statistics([scan.status() for scan in self])

    def _collect_now_and_then(self) -> None:
        """What a scan leaves in cycles is old when it is forgotten, and a server's garbage collector hardly
        ever looks at the old: some 30 kB a scan."""
        self._uncollected += 1
        now_s = time.monotonic()
        if self._uncollected >= COLLECT_AFTER and now_s - self._collected_at_s >= COLLECT_EVERY_S:
            self._uncollected, self._collected_at_s = 0, now_s
            self._collect()
