"""The table at the end of the suite: a row for each mark ``fault("what goes wrong")``.

A test that does its fault several times says so by ``record_property("times", n)``; what else it records as
a number, with its unit in the name (``takeover_s``), comes into the table as median and maximum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest

Reports = list[pytest.TestReport]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    mark = item.get_closest_marker("fault")
    if mark is not None and outcome.get_result().when == "call":
        outcome.get_result().fault = mark.args[0]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line of Markdown for each fault that was tried."""
    faults: dict[str, Reports] = defaultdict(list)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            if (fault := getattr(report, "fault", None)) is not None:
                faults[fault].append(report)
    if not faults:
        return
    terminalreporter.section("faults")
    terminalreporter.write_line("| fault | times | tests that failed | measured | minutes |")
    terminalreporter.write_line("|---|---|---|---|---|")
    for fault, reports in faults.items():
        times = sum(dict(report.user_properties).get("times", 1) for report in reports)
        failed = sum(report.failed for report in reports)
        minutes = sum(report.duration for report in reports) / 60
        terminalreporter.write_line(
            f"| {fault} | {times} | {failed} of {len(reports)} | {_measured(reports)} | {minutes:.1f} |"
        )


def _measured(reports: Reports) -> str:
    values: dict[str, list[float]] = defaultdict(list)
    for report in reports:
        for name, value in report.user_properties:
            if name != "times":
                values[name].append(value)
    return "; ".join(f"{name} {median(v):.3g} (max {max(v):.3g})" for name, v in values.items())
