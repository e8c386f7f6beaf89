"""100 channels at 100 points/s: CPU of the writer, and whether it keeps up.

    python -m benchmarks.live_load [--repeats 5] [--json]

Scans of 4 s, a transaction every 0.1 s as BLISS sends them; CPU of all processes of ``NexusWriterService``
from the first point to the closed file.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ._backlog import is_open, path_of, verify
from ._load import LoadScan
from ._rows import Row, median, run
from ._server import Place, is_closed, place, wait_until

CHANNELS, RATE_HZ, LIVE_S = 100, 100.0, 4.0
OF_A_CORE = 10.0
END_MS = 100.0


def rows(repeats: int) -> Sequence[Row]:
    """P8: share of a core; the time to the closed file, which a backlog would make long."""
    with place() as here:
        found = [one_scan(here) for _ in range(repeats + 1)][1:]
    core, end_ms = (median(values) for values in zip(*found, strict=True))
    per_s = CHANNELS * RATE_HZ
    return [
        Row(
            "P8",
            f"{per_s:,.0f} points/s live: CPU",
            OF_A_CORE,
            core,
            "% of a core",
            f"{core * 1e4 / per_s:.1f} us a point",
            cpu_us=core * 1e4 / per_s,
        ),
        Row("P8", "the same, no backlog: END_SCAN to closed file", END_MS, end_ms, "ms"),
    ]


def one_scan(here: Place) -> tuple[float, float]:
    """(% of a core, ms from END_SCAN to the closed file)."""
    points = round(LIVE_S * RATE_HZ)
    load = LoadScan(here.client, here.new_directory(), channels=CHANNELS, points=points)
    wait_until(lambda: is_open(load), "the writer has opened the file")
    cpu_s, started_s = here.writer.cpu_s(), time.perf_counter()
    load.publish(points, rate_hz=RATE_HZ)
    load.end()
    ended_s = time.perf_counter()
    wait_until(lambda: is_closed(path_of(load)), "the file is closed")
    closed_s = time.perf_counter()
    core = (here.writer.cpu_s() - cpu_s) / (closed_s - started_s) * 100
    verify(load)
    return core, (closed_s - ended_s) * 1e3


if __name__ == "__main__":
    run(rows, __doc__)
