"""From END_SCAN, published, to the file complete and closed, of a live scan.

    python -m benchmarks.scan_end [--repeats 5] [--json]

Scans of 0.3 s, each point of all channels as it comes; eight scans a repeat and number of channels. Values
are verified.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ._backlog import is_open, path_of, verify
from ._load import LoadScan
from ._rows import Row, median, p99, run
from ._server import Place, is_closed, place, wait_until

CHANNELS = (10, 100, 1000)
SCANS_PER_REPEAT = 8
LIVE_S, RATE_HZ = 0.3, 100.0
BASE_MS, MS_PER_CHANNEL = 10.0, 0.06
P99_TO_MEDIAN = 3.0


def rows(repeats: int) -> Sequence[Row]:
    """P5, for each number of channels; the last row is p99 over median, the worst of them."""
    taken_ms: dict[int, list[float]] = {channels: [] for channels in CHANNELS}
    with place() as here:
        end_ms(here, CHANNELS[0])  # warms up
        for _ in range(repeats):
            for channels, taken in taken_ms.items():
                taken += [end_ms(here, channels) for _ in range(SCANS_PER_REPEAT)]
                here.client.flushdb()
    found = [
        Row(
            "P5",
            f"END_SCAN to closed file, {channels} channels",
            BASE_MS + MS_PER_CHANNEL * channels,
            median(taken),
            "ms",
            f"p99 {p99(taken):.1f} ms of {len(taken)} scans",
        )
        for channels, taken in taken_ms.items()
    ]
    tail = max(p99(taken) / median(taken) for taken in taken_ms.values())
    return [*found, Row("P5", "the same, p99 over median, the worst", P99_TO_MEDIAN, tail, "x")]


def end_ms(here: Place, channels: int) -> float:
    """Of one scan."""
    points = round(LIVE_S * RATE_HZ)
    load = LoadScan(here.client, here.new_directory(), channels=channels, points=points)
    wait_until(lambda: is_open(load), "the writer has opened the file")
    load.publish(points, rate_hz=RATE_HZ)
    load.end()
    ended_s = time.perf_counter()
    wait_until(lambda: is_closed(path_of(load)), "the file is closed")
    taken_ms = (time.perf_counter() - ended_s) * 1e3
    verify(load)
    return taken_ms


if __name__ == "__main__":
    run(rows, __doc__)
