"""Tango while the writer saves a backlog as fast as it can: answers of the device, gaps of the main loop.

    python -m benchmarks.tango_answers [--repeats 5] [--json]

A client reads an attribute again and again while 400,000 events are saved. The gap is the time for which the
main loop did not run, seen from within by a greenlet that sleeps 1 ms.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tango

from ._backlog import is_open, path_of, verify
from ._load import LoadScan
from ._rows import Row, median, p99, run
from ._server import Place, is_closed, place, wait_until
from ._watched_service import SLEEP_S

CHANNELS, POINTS = 100, 4000
ANSWER_MS, GAP_MS = 20.0, 10.0
PAUSE_S = 0.002
WRITTEN_S = 0.5
ATTRIBUTE = "scan_states"


def rows(repeats: int) -> Sequence[Row]:
    """P7."""
    answers_ms: list[float] = []
    gaps_ms: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        seen = Path(directory) / "gaps"
        with place(("-m", "benchmarks._watched_service", str(seen))) as here:
            for number in range(repeats + 1):  # the first one warms up
                begun_s, answers = one_backlog(here)
                ended_s = time.monotonic()
                time.sleep(WRITTEN_S)
                if number:
                    answers_ms += answers
                    gaps_ms += gaps_between(seen, begun_s, ended_s)
    return [
        Row(
            "P7",
            f"read_attribute({ATTRIBUTE}) at full rate, p99",
            ANSWER_MS,
            p99(answers_ms),
            "ms",
            said(answers_ms),
        ),
        Row("P7", "gap of the main loop at full rate, p99", GAP_MS, p99(gaps_ms), "ms", said(gaps_ms)),
    ]


def one_backlog(here: Place) -> tuple[float, list[float]]:
    """Monotonic time of its begin; ms of each answer until the file was closed."""
    device = tango.DeviceProxy(here.writer.address)
    load = LoadScan(here.client, here.new_directory(), channels=CHANNELS, points=POINTS)
    wait_until(lambda: is_open(load), "the writer has opened the file")
    device.read_attribute(ATTRIBUTE)
    with here.writer.frozen():
        load.publish(POINTS)
        load.end()
    begun_s, answers_ms = time.monotonic(), []
    while not is_closed(path_of(load)):
        asked_s = time.monotonic()
        device.read_attribute(ATTRIBUTE)
        answers_ms.append((time.monotonic() - asked_s) * 1e3)
        time.sleep(PAUSE_S)
    verify(load)
    here.client.flushdb()
    return begun_s, answers_ms


def gaps_between(path: Path, begun_s: float, ended_s: float) -> list[float]:
    """ms of all gaps that lie within this time."""
    seen = np.fromfile(path).reshape(-1, 2)
    within = (seen[:, 0] - seen[:, 1] > begun_s + SLEEP_S) & (seen[:, 0] < ended_s)
    return list(seen[within, 1] * 1e3)


def said(values_ms: Sequence[float]) -> str:
    return f"median {median(values_ms):.1f} ms, longest {max(values_ms):.0f} ms of {len(values_ms):,}"


if __name__ == "__main__":
    run(rows, __doc__)
