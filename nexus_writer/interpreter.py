"""Settings of the Python interpreter that only a server's main may choose for its whole process."""

from __future__ import annotations

import gc
import sys

GC_THRESHOLDS = (50_000, 20, 100)
"""Each entry of a reply of Redis makes three lists that the collector tracks: by default 40 % of the time."""
SWITCH_INTERVAL_S = 0.0005
"""By default the writer thread may keep the clients of a server waiting for 5 ms, many times in a row."""


def tune_for_a_server() -> None:
    """Collect garbage less often, switch between threads more often."""
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
