"""What the log says of a scan."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from nexus_writer.data.publishing import DatasetPublisher
from nexus_writer.subscribers import NexusSessionWriter
from nexus_writer.subscribers.scan_log import ScanLog
from tests.session_scans import run_scan, saved


def test_each_warning_is_logged_once_and_none_that_the_state_tells(caplog: pytest.LogCaptureFixture) -> None:
    log = ScanLog("s:1_scan", logging.getLogger("nexus_writer.unit"))
    log.warn(["one"])
    log.warn(["one", "two"])
    log.warn(["one", "two", "three", "four"], "three; five")
    assert [record.getMessage() for record in caplog.records] == [
        "[s:1_scan] one",
        "[s:1_scan] two",
        "[s:1_scan] four",
    ]


def test_the_file_and_the_points_of_a_scan_are_told(
    writer_with: Callable[[], NexusSessionWriter], sample: DatasetPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    writer = writer_with()
    scan = run_scan(sample)
    status = saved(writer, scan.key)
    uri, points = status.uris[0], status.status().progress.points
    said = [message for message in caplog.messages if message.startswith(f"[{scan.key}]")]
    assert f"[{scan.key}] goes into {uri}" in said
    assert f"[{scan.key}] {points} points of all channels in {uri}" in said
