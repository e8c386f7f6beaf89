"""``NexusWriterService`` with a look at its main loop: how long it did not run, each time.

    python -m benchmarks._watched_service FILE [arguments of NexusWriterService]

A greenlet of the main loop sleeps 1 ms again and again. FILE gets pairs of float64: seconds of the monotonic
clock, and by how many seconds the sleep took longer. They are written every 0.2 s.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import gevent
import numpy as np

from tango_server.service import main

SLEEP_S, WRITTEN_EVERY_S = 1e-3, 0.2


def watch(path: Path) -> None:
    """For ever."""
    with path.open("ab", buffering=0) as file:
        while True:
            gaps: list[tuple[float, float]] = []
            end_s = time.monotonic() + WRITTEN_EVERY_S
            while (before_s := time.monotonic()) < end_s:
                gevent.sleep(SLEEP_S)
                after_s = time.monotonic()
                gaps.append((after_s, after_s - before_s - SLEEP_S))
            file.write(np.array(gaps).tobytes())


if __name__ == "__main__":
    gevent.spawn(watch, Path(sys.argv[1]))
    main(sys.argv[2:])
