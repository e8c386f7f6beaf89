"""Tango while the writer saves a backlog as fast as it can: answers of the device, gaps of the main loop.

    python -m benchmarks.tango_answers [--repeats 5] [--json]

A client reads an attribute again and again while 400,000 events are saved. The gap is the time for which the
main loop did not run, seen from within by a greenlet that sleeps 1 ms. Beside it: what a process that only
sleeps sees of the machine meanwhile, for Redis, two threads of the writer and the client share its CPUs.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import tango

from ._backlog import is_open, path_of, verify
from ._gaps import gaps_ms
from ._load import LoadScan
from ._rows import Row, median, p99, run
from ._server import Place, is_closed, place, wait_until

CHANNELS, POINTS = 100, 4000
ANSWER_MS, GAP_MS = 20.0, 10.0
PAUSE_S = 0.002
WRITTEN_S = 0.5
ATTRIBUTE = "scan_states"


def rows(repeats: int) -> Sequence[Row]:
    """P7."""
    answers_ms: list[float] = []
    ours_ms: list[float] = []
    bare_ms: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        ours, bare = Path(directory) / "gaps", Path(directory) / "bare"
        with place(("-m", "benchmarks._watched_service", str(ours))) as here, bare_loop(bare):
            for number in range(repeats + 1):  # the first one warms up
                begun_s, answers = one_backlog(here)
                ended_s = time.monotonic()
                time.sleep(WRITTEN_S)
                if number:
                    answers_ms += answers
                    ours_ms += gaps_ms(ours, begun_s, ended_s)
                    bare_ms += gaps_ms(bare, begun_s, ended_s)
    beside = f"{said(ours_ms)}; of a process that only sleeps p99 {p99(bare_ms):.1f} ms"
    return [
        Row(
            "P7",
            f"read_attribute({ATTRIBUTE}) at full rate, p99",
            ANSWER_MS,
            p99(answers_ms),
            "ms",
            said(answers_ms),
        ),
        Row("P7", "gap of the main loop at full rate, p99", GAP_MS, p99(ours_ms), "ms", beside),
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


@contextlib.contextmanager
def bare_loop(path: Path) -> Iterator[None]:
    """``benchmarks._bare_loop`` beside what is measured, for the time of a block."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._bare_loop", str(path)])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def said(values_ms: Sequence[float]) -> str:
    return f"median {median(values_ms):.1f} ms, longest {max(values_ms):.0f} ms of {len(values_ms):,}"


if __name__ == "__main__":
    run(rows, __doc__)
