"""When a file was brought to the disk (fsync), and whether it has to be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sync:
    """``run`` waits for the disk in any thread, and tells why it failed, "" when it did not; ``settle`` is
    told that, in the thread of the file."""

    run: Callable[[], str]
    settle: Callable[[str], None]


class Syncs:
    """Those of one file: one at a time, and none without a flush since the last."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._due = self._under_way = False

    def flushed(self) -> None:
        """There is something that the disk may not have."""
        self._due = True

    def begin(self, after_s: float) -> bool:
        """Whether one begins now, the last having begun ``after_s`` ago or longer."""
        now_s = time.monotonic()
        if self._under_way or not self._due or now_s - self._began_s < after_s:
            return False
        self._began_s, self._due, self._under_way = now_s, False, True
        return True

    def end(self) -> None:
        """It is over; a flush meanwhile wants another one."""
        self._under_way = False
