"""From a point, published, to its value in the file, read by another process while the scan runs.

    python -m benchmarks.freshness [--repeats 5] [--json]

The values are the times at which they were published, so a reader that opens the file every 10 ms sees how
old each of them is. Ten channels at 10 points/s and at 1,000 points/s, then a pause with the scan still on:
the last points before it count as well. Median and p99 over all points and repeats.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from nexus_writer import open_live
from nexus_writer.data.publishing import DeviceSpec, ScanSpec, SessionPublisher, sampling, timer

from ._rows import Row, median, p99, run
from ._server import SESSION, Place, place, wait_until

GOAL_S = 1.0
RATES_HZ = (10, 1000)
PUBLISHED_S, PAUSE_S = 2.0, 2.0
CHANNELS = 10
BATCH = 10
LOOK_EVERY_S = 0.01


def rows(repeats: int) -> Sequence[Row]:
    """P6."""
    ages_s: dict[int, list[float]] = {rate: [] for rate in RATES_HZ}
    with place() as here:
        for _ in range(repeats):
            for rate, ages in ages_s.items():
                ages += one_scan(here, rate)
    return [
        Row(
            "P6",
            f"a point until it can be read, {rate} points/s, p99",
            GOAL_S,
            p99(ages),
            "s",
            f"median {median(ages):.2f} s, longest {max(ages):.2f} s of {len(ages):,} points",
        )
        for rate, ages in ages_s.items()
    ]


def one_scan(here: Place, rate_hz: int) -> list[float]:
    """Age in s of every point of one channel when it was first seen."""
    points = round(PUBLISHED_S * rate_hz)
    counters = tuple(sampling(f"counter{number}") for number in range(CHANNELS))
    publisher = SessionPublisher(here.client, SESSION, stream_max_entries=None)
    dataset = publisher.dataset(here.new_directory(), "hg123", "load")
    scan = dataset.scan(ScanSpec("loopscan", (timer(DeviceSpec("ctl", counters)),), npoints=points))
    scan.prepare()
    path = Path(scan.filename)
    wait_until(path.exists, "the writer has made the file")
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    reader = multiprocessing.get_context("spawn").Process(
        target=look, args=(path, f"{scan.info['scan_nb']}.1/measurement/counter0", points, theirs)
    )
    reader.start()
    ours.recv()
    started_s, batch = time.monotonic(), max(1, min(BATCH, rate_hz // 100))
    for first in range(0, points, batch):
        time.sleep(max(0.0, started_s + first / rate_hz - time.monotonic()))
        for _ in range(batch):
            for channel in scan.channels.values():
                channel.publish(time.monotonic())
        scan.flush()
    ages = ours.recv() if ours.poll(PAUSE_S + 10 * GOAL_S) else []
    reader.terminate()
    reader.join()
    scan.end()
    if len(ages) != points:
        raise AssertionError(f"{len(ages)} of {points} points could be read while the scan was on")
    return list(ages)


def look(path: Path, name: str, points: int, pipe: Connection) -> None:
    """Send first that it looks, and at last the age of each point; in a process of its own."""
    ages: list[float] = []
    pipe.send("ready")
    while len(ages) < points:
        time.sleep(LOOK_EVERY_S)
        with open_live(path) as file:
            found = file[name][len(ages) :] if name in file else np.empty(0)
        now_s = time.monotonic()
        ages += [now_s - published_s for published_s in found if not np.isnan(published_s)]
    pipe.send(ages)


if __name__ == "__main__":
    run(rows, __doc__)
