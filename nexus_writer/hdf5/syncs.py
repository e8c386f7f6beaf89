"""When a file was brought to the disk (fsync), and whether it has to be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable


class Sync:
    """One of a file. Several may run and settle it: it is done once, all wait and are told the same."""

    def __init__(self, wait: Callable[[], str], settle: Callable[[str], None]) -> None:
        self._lock = threading.Lock()
        self._wait = wait
        self._settle = settle
        self._why: str | None = None
        self._is_settled = False

    def run(self) -> str:
        """Wait for the disk, in any thread; why it failed, "" when it did not."""
        with self._lock:
            if self._why is None:
                self._why = self._wait()
            return self._why

    def settle(self, why: str) -> None:
        """Tell the file what ``run`` said, in its thread."""
        if not self._is_settled:
            self._is_settled = True
            self._settle(why)


def carry_out(syncs: Iterable[Sync]) -> None:
    """Run and settle them here, one after the other."""
    for sync in syncs:
        sync.settle(sync.run())


class Syncs:
    """Those of one file: one at a time, and none without a flush since the last."""

    under_way: Sync | None

    def __init__(self) -> None:
        self.under_way = None
        self._began_s = time.monotonic()
        self._due = False

    def flushed(self) -> None:
        """There is something that the disk may not have."""
        self._due = True

    def begin(self, after_s: float, sync: Sync) -> Sync | None:
        """``sync`` when it begins now, the last having begun ``after_s`` ago or longer."""
        now_s = time.monotonic()
        if self.under_way is not None or not self._due or now_s - self._began_s < after_s:
            return None
        self._began_s, self._due, self.under_way = now_s, False, sync
        return sync

    def end(self) -> None:
        """It is over; a flush meanwhile wants another one."""
        self.under_way = None
