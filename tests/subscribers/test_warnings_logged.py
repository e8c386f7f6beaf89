"""The warnings of a scan's file in the log."""

from __future__ import annotations

import logging

import pytest

from nexus_writer.subscribers.warnings_logged import WarningsLogged


def test_each_warning_is_logged_once_and_none_that_the_state_tells(caplog: pytest.LogCaptureFixture) -> None:
    logged = WarningsLogged("s:1_scan", logging.getLogger("nexus_writer.unit"))
    logged.log(["one"])
    logged.log(["one", "two"])
    logged.log(["one", "two", "three", "four"], "three; five")
    assert [record.getMessage() for record in caplog.records] == [
        "[s:1_scan] one",
        "[s:1_scan] two",
        "[s:1_scan] four",
    ]
