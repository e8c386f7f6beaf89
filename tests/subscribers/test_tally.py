"""Scans in numbers, with those that are done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus_writer.subscribers import ScanProgress, ScanStatus
from nexus_writer.subscribers.tally import Tally

RUNNING = ScanStatus(
    name="1_scan",
    key="unit:1_scan",
    session="unit",
    state="ON",
    reason="",
    start_time=None,
    writing_since=0.0,
    end_time=None,
    scan_end_time=None,
    lag_s=0.5,
    lag_entries=3,
    lag_fill=0.1,
    queue_fill=0.25,
    progress=ScanProgress(points=10, bytes=80),
)
SAVED, FAILED = replace(RUNNING, state="OFF"), replace(RUNNING, state="FAULT")


def test_scans_that_are_done_are_counted() -> None:
    tally = Tally()
    tally.add(SAVED)
    tally.add(FAILED)
    statistics = tally.statistics([SAVED, RUNNING, replace(RUNNING, lag_s=2.0, lag_entries=4)])
    assert (statistics.running, statistics.finished, statistics.failed) == (2, 2, 1)
    assert (statistics.points, statistics.bytes) == (50, 400)
    assert (statistics.lag_s, statistics.lag_entries) == (2.0, 7)
    assert (statistics.lag_fill, statistics.queue_fill) == (0.1, 0.25)
    tally.remove(SAVED)
    tally.remove(FAILED)
    statistics = tally.statistics([RUNNING])
    assert (statistics.finished, statistics.failed, statistics.points, statistics.bytes) == (0, 0, 10, 80)


def test_the_rate_is_that_of_the_last_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("nexus_writer.subscribers.tally.time.monotonic", lambda: clock[0])
    tally = Tally()
    assert tally.statistics([RUNNING]).points_per_s == 0.0
    clock[0] += 2.0
    assert tally.statistics([RUNNING]).points_per_s == 5.0
    clock[0] += 0.5
    assert tally.statistics([RUNNING, RUNNING]).points_per_s == 5.0
