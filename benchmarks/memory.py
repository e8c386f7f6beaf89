"""Resident memory of the writer, all of its processes, while it saves 100 channels at 1,000 points/s.

    python -m benchmarks.memory [--minutes 1] [--json]

The goal is for ten minutes: ``--minutes 10``. Flat: a line through the second half rises by less than 1 MB
in a minute, without the pages of libraries: they count for the writer as others share them or not.
"""

from __future__ import annotations

import argparse
import functools
import threading
import time
from collections.abc import Sequence

import numpy as np

from ._backlog import is_open, path_of, verify
from ._load import LoadScan
from ._rows import Row, run
from ._server import is_closed, place, wait_until

CHANNELS, RATE_HZ = 100, 1000.0
RESIDENT_MB, RISE_MB_PER_MINUTE = 150.0, 1.0
LOOK_EVERY_S = 0.25


def rows(repeats: int, minutes: float = 1.0) -> Sequence[Row]:
    """P12, once: a scan of so many minutes is a repeat in itself."""
    points = round(minutes * 60 * RATE_HZ)
    seen: list[tuple[float, float, float]] = []
    with place() as here:
        load = LoadScan(here.client, here.new_directory(), channels=CHANNELS, points=points)
        wait_until(lambda: is_open(load), "the writer has opened the file")
        publishing = threading.Thread(target=load.publish, args=(points,), kwargs={"rate_hz": RATE_HZ})
        publishing.start()
        started_s = time.monotonic()
        while publishing.is_alive():
            now = (time.monotonic() - started_s) / 60
            seen.append((now, here.writer.own_mb(), here.writer.resident_mb()))
            time.sleep(LOOK_EVERY_S)
        load.end()
        wait_until(lambda: is_closed(path_of(load)), "the file is closed", timeout_s=minutes * 60 + 120)
        verify(load)
    half = np.array(seen[len(seen) // 2 :])
    rise = float(np.polyfit(half[:, 0], half[:, 1], 1)[0])
    took = f"{seen[-1][0]:.1f} minutes, {len(seen)} looks"
    return [
        Row(
            "P12",
            "resident memory at 100,000 points/s, largest",
            RESIDENT_MB,
            max(resident for _, _, resident in seen),
            "MB",
            took,
        ),
        Row(
            "P12",
            "its rise in the second half",
            RISE_MB_PER_MINUTE,
            rise,
            "MB/minute",
            f"{half[0, 1]:.0f} MB of its own at its begin, {half[-1, 1]:.0f} MB at its end",
        ),
    ]


def main() -> None:
    """Command line: ``--minutes``, and what all rows have."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--minutes", type=float, default=1.0)
    options, others = parser.parse_known_args()
    run(functools.partial(rows, minutes=options.minutes), __doc__, others)


if __name__ == "__main__":
    main()
