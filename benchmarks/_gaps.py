"""Gaps of a loop: how long it did not run, each time, seen from within by a sleep that took longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SLEEP_S, WRITTEN_EVERY_S = 1e-3, 0.2


def watch(path: Path, sleep: Callable[[float], object]) -> None:
    """For ever. The file gets pairs of float64: seconds of the monotonic clock, and by how many seconds the
    sleep of 1 ms took longer. They are written every 0.2 s."""
    with path.open("ab", buffering=0) as file:
        while True:
            gaps: list[tuple[float, float]] = []
            end_s = time.monotonic() + WRITTEN_EVERY_S
            while (before_s := time.monotonic()) < end_s:
                sleep(SLEEP_S)
                after_s = time.monotonic()
                gaps.append((after_s, after_s - before_s - SLEEP_S))
            file.write(np.array(gaps).tobytes())


def gaps_ms(path: Path, begun_s: float, ended_s: float) -> list[float]:
    """ms of all gaps that lie within this time."""
    seen = np.fromfile(path).reshape(-1, 2)
    within = (seen[:, 0] - seen[:, 1] > begun_s + SLEEP_S) & (seen[:, 0] < ended_s)
    return list(seen[within, 1] * 1e3)
