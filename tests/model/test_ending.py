"""How a scan ended, in words and in time."""

from __future__ import annotations

from datetime import datetime

import pytest

from nexus_writer.model import Ending

from .scan_infos import scan_info


@pytest.mark.parametrize(
    ("exception", "info", "reason"),
    [
        ("", {}, "SUCCESS"),
        ("", {"state": "STOPPING"}, "SUCCESS"),
        ("", {"state": "KILLED"}, "FAILURE: killed"),
        ("", {"state": "USER_ABORTED"}, "USER_ABORT"),
        ("", {"state": object()}, "SUCCESS"),
        ("<class 'RuntimeError'>", {"state": "STOPPING"}, "FAILURE: RuntimeError"),
        ("<class 'bliss.scanning.scan.ScanAbort'>", {}, "USER_ABORT"),
        ("<class 'KeyboardInterrupt'>", {}, "USER_ABORT"),
        ("<class 'greenlet.GreenletExit'>", {}, "FAILURE: GreenletExit"),
        ("counter went\nmad", {}, "FAILURE: counter went mad"),
        ("", {"end_reason": "DELETION"}, "DELETION"),
        ("<class 'RuntimeError'>", {"end_reason": "FAILURE"}, "FAILURE"),
        (None, {}, "UNKNOWN"),
    ],
)
def test_reason(exception: str | None, info: dict[str, object], reason: str) -> None:
    assert Ending.from_info(info, exception).reason == reason


def test_time_is_the_published_one() -> None:
    ending = Ending.from_info(scan_info("loopscan"), "")
    assert ending.time is not None
    assert ending.time.timestamp() == pytest.approx(1795156357.957696, abs=1e-6)


def test_time_without_timestamp_is_the_published_local_one() -> None:
    info = scan_info("loopscan")
    del info["end_timestamp"]
    assert Ending.from_info(info, "").time == datetime(2026, 11, 20, 6, 32, 37, 957696).astimezone()


def test_no_time_where_none_was_published() -> None:
    assert Ending.from_info({}, "").time is None
    assert Ending.from_info({"end_time": object(), "end_timestamp": 1e300}, "").time is None
