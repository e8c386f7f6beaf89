"""Settings of the Python interpreter, and of libraries, that only a server's main may choose for its whole
process."""

from __future__ import annotations

import gc
import os
import sys

GC_THRESHOLDS = (10_000, 100, 100)
"""Each entry of a reply of Redis makes lists that the collector tracks. By default looking at them takes 40 %
of the time. The first number is what one look may cost, during which no other thread runs: 1 ms."""
SWITCH_INTERVAL_S = 0.0005
"""By default the writer thread may keep the clients of a server waiting for 5 ms, many times in a row."""


def tune_for_a_server() -> None:
    """Collect garbage less often, switch between threads more often.

    Blosc2 starts threads for each chunk unless it is told not to, which takes a seventh more CPU time; chunks
    have threads of ours.
    """
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    os.environ.setdefault("BLOSC_NTHREADS", "1")


def pass_over_what_is_there() -> None:
    """When all is imported and made: no look of the collector at it again, each of 30 ms."""
    gc.collect()
    gc.freeze()
