"""Texts as the classic writer made them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from nexus_writer.subscribers import ScanProgress, ScanStatus, SubscanProgress
from tango_server import texts

START = time.mktime((2026, 11, 20, 6, 48, 28, 0, 0, -1))
RUNNING = ScanStatus(
    name="1_loopscan",
    key="demo:1_loopscan",
    session="demo",
    state="ON",
    reason="Start listening to Redis events",
    start_time=START,
    writing_since=START + 0.085842,
    end_time=None,
    scan_end_time=None,
    lag_s=0.0,
    lag_entries=0,
    lag_fill=0.0,
    queue_fill=0.0,
    progress=ScanProgress(
        uris=("/data/a.h5::/1.1",), subscans=(SubscanProgress("timer", 28, 28, 0),), points=84, bytes=672
    ),
)
FINISHED = replace(
    RUNNING,
    name="12_ct",
    state="OFF",
    reason="Finished successfully",
    scan_end_time=START + 2,
    end_time=START + 2.25,
    progress=ScanProgress(
        uris=("/data/a.h5::/12.1", "/data/a.h5::/12.2"),
        subscans=(SubscanProgress("timer2", 15, 15, 0), SubscanProgress("timer1", 3, 4, 0)),
    ),
)
SCANS = (RUNNING, FINISHED)
NOW = START + 1.543486


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (texts.names(SCANS), ["1_loopscan", "12_ct"]),
        (
            texts.uris(SCANS),
            ["1_loopscan: ['/data/a.h5::/1.1']", "     12_ct: ['/data/a.h5::/12.1', '/data/a.h5::/12.2']"],
        ),
        (texts.starts(SCANS), ["1_loopscan: 2026-11-20 06:48:28", "     12_ct: 2026-11-20 06:48:28"]),
        (texts.ends(SCANS), ["1_loopscan: not finished", "     12_ct: 2026-11-20 06:48:30"]),
        (texts.durations(SCANS, NOW), ["1_loopscan: 0:00:01.543486", "     12_ct: 0:00:02.250000"]),
        (
            texts.progress(SCANS),
            ["1_loopscan: 28pts-28pts", "     12_ct: timer2:15pts-15pts timer1:3pts-4pts"],
        ),
        (
            texts.states(SCANS),
            ["1_loopscan: ON Start listening to Redis events", "     12_ct: OFF Finished successfully"],
        ),
        (
            texts.summaries(SCANS[:1], NOW),
            [
                "1_loopscan: ON 28pts-28pts 672.0B duration: 0:00:01.543486 "
                "start: 2026-11-20 06:48:28 (delay: 0:00:00.085842) end: not finished (delay: NaN)"
            ],
        ),
    ],
)
def test_lines(lines: list[str], expected: list[str]) -> None:
    assert lines == expected


def test_no_scans_no_lines() -> None:
    assert texts.uris(()) == []


def test_a_scan_that_was_only_announced() -> None:
    scan = replace(RUNNING, start_time=None, progress=ScanProgress())
    [line] = texts.summaries([scan], NOW)
    assert line.startswith(
        "1_loopscan: ON 0pts-0pts 0.0B duration: 0:00:01.457644 start: 2026-11-20 06:48:28 (delay: NaN)"
    )


def test_clocks_that_differ_give_a_negative_delay() -> None:
    [line] = texts.summaries([replace(RUNNING, writing_since=START - 0.5)], NOW)
    assert "(delay: -0:00:00.500000)" in line


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0.0B"), (672, "672.0B"), (1536, "1.5KB"), (3 * 2**50, "3.0PB")]
)
def test_size(number: int, text: str) -> None:
    assert texts.size(number) == text
