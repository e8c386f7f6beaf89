"""Texts as the classic writer made them."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from nexus_writer.subscribers import ScanProgress, ScanStatus, SubscanProgress
from tango_server import texts
from tango_server.scan_texts import ScanTexts

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
    key="demo:12_ct",
    validation="valid, 8 warnings",
    state="OFF",
    reason="Finished successfully",
    scan_end_time=START + 2,
    end_time=START + 2.25,
    progress=ScanProgress(
        uris=("/data/a.h5::/12.1", "/data/a.h5::/12.2"),
        subscans=(SubscanProgress("timer2", 15, 15, 0), SubscanProgress("timer1", 3, 4, 0)),
    ),
)
NOW = START + 1.543486


@pytest.mark.parametrize(
    ("attribute", "running", "finished"),
    [
        ("scan_uris", "['/data/a.h5::/1.1']", "['/data/a.h5::/12.1', '/data/a.h5::/12.2']"),
        ("scan_start", "2026-11-20 06:48:28", "2026-11-20 06:48:28"),
        ("scan_end", "not finished", "2026-11-20 06:48:30"),
        ("scan_duration", "0:00:01.543486", "0:00:02.250000"),
        ("scan_progress", "28pts-28pts", "timer2:15pts-15pts timer1:3pts-4pts"),
        ("scan_states_info", "ON Start listening to Redis events", "OFF Finished successfully"),
        ("scan_validation", "", "valid, 8 warnings"),
        (
            "scan_info",
            "ON 28pts-28pts 672.0B duration: 0:00:01.543486 "
            "start: 2026-11-20 06:48:28 (delay: 0:00:00.085842) end: not finished (delay: NaN)",
            "OFF timer2:15pts-15pts timer1:3pts-4pts 0.0B duration: 0:00:02.250000 "
            "start: 2026-11-20 06:48:28 (delay: 0:00:00.085842) end: 2026-11-20 06:48:30 (delay: "
            "0:00:00.250000)",
        ),
    ],
)
def test_texts(attribute: str, running: str, finished: str) -> None:
    assert texts.TEXTS[attribute](RUNNING, NOW) == running
    assert texts.TEXTS[attribute](FINISHED, NOW) == finished


def test_a_description_is_the_status_as_json() -> None:
    described = json.loads(texts.TEXTS[texts.DESCRIPTION](FINISHED, NOW))
    assert described == {**FINISHED.to_dict(), "progress": described["progress"]}
    assert ScanStatus.from_dict(described) == FINISHED


def test_names_stand_one_below_the_other() -> None:
    assert texts.lines(["1_loopscan", "12_ct"], ["a", "b"]) == ["1_loopscan: a", "     12_ct: b"]
    assert texts.lines([], []) == []


def test_a_scan_that_was_only_announced() -> None:
    scan = replace(RUNNING, start_time=None, progress=ScanProgress())
    assert texts.TEXTS["scan_info"](scan, NOW).startswith(
        "ON 0pts-0pts 0.0B duration: 0:00:01.457644 start: 2026-11-20 06:48:28 (delay: NaN)"
    )


def test_clocks_that_differ_give_a_negative_delay() -> None:
    told = texts.TEXTS["scan_info"](replace(RUNNING, writing_since=START - 0.5), NOW)
    assert "(delay: -0:00:00.500000)" in told


def test_what_is_finished_is_told_as_before_until_it_changes() -> None:
    scans = ScanTexts()
    first = scans.of("scan_info", [RUNNING, FINISHED], NOW)
    later = scans.of("scan_info", [RUNNING, FINISHED], NOW + 1)
    assert "duration: 0:00:02.543486" in later[0]
    assert later[1] is first[1]
    assert scans.of("scan_validation", [FINISHED], NOW) == ["valid, 8 warnings"]
    validated = replace(FINISHED, validation="not valid")
    assert scans.of("scan_validation", [RUNNING, validated], NOW + 2) == ["", "not valid"]
    assert scans.of("scan_info", [FINISHED], NOW + 3) == [first[1]]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0.0B"), (672, "672.0B"), (1536, "1.5KB"), (3 * 2**50, "3.0PB")]
)
def test_size(number: int, text: str) -> None:
    assert texts.size(number) == text
