"""Which finished scans are forgotten when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus_writer.subscribers import FinishedScan, WriterOptions
from nexus_writer.subscribers.finished_scans import LEAST_KNOWN_S, FinishedScans
from nexus_writer.subscribers.retention import Retention
from tests.subscribers.test_tally import RUNNING

LATER = LEAST_KNOWN_S + 1.0


def ended(key: str, at: float, state: str = "OFF", *, silent: bool = False) -> FinishedScan:
    scan = FinishedScan(replace(RUNNING, key=key, state=state), None, WriterOptions(), silent=silent)
    scan.ended_s = at
    return scan


def scans(*some: FinishedScan) -> FinishedScans:
    found = FinishedScans()
    for one in some:
        found.add(one)
    return found


def keys(some: FinishedScans, retention: Retention, at: float) -> list[str]:
    return [scan.key for scan in some.forget(retention, at)]


def test_each_kind_has_its_time() -> None:
    some = scans(ended("a", 0), ended("b", 0, "FAULT"), ended("c", 10), ended("d", 0, silent=True))
    retention = Retention(saved_s=60, failed_s=600, most=1000)
    assert keys(some, retention, 59) == []
    assert keys(some, retention, 60) == ["a"]
    assert keys(some, retention, 600) == ["c", "b"]
    assert keys(some, retention, 1e9) == []
    assert len(some) == 1


@pytest.mark.parametrize(
    ("failed", "saved", "forgotten"),
    [
        (0, 4, ["s0", "s1"]),
        (1, 3, ["s0", "s1"]),
        (2, 2, ["f0", "s0"]),
        (3, 1, ["f0", "f1"]),
        (4, 0, ["f0", "f1"]),
        (1, 1, []),
    ],
)
def test_too_many_drive_out_those_of_their_own_kind(failed: int, saved: int, forgotten: list[str]) -> None:
    """Good ones that follow do not drive out the one that failed, nor do a night's failures the good ones."""
    some = scans(
        *(ended(f"f{number}", number / 10, "FAULT") for number in range(failed)),
        *(ended(f"s{number}", number / 10) for number in range(saved)),
    )
    assert sorted(keys(some, Retention(1e6, 1e6, most=2), LATER)) == sorted(forgotten)


def test_a_scan_that_has_just_ended_is_not_driven_out() -> None:
    """Its beamline asks for it."""
    some = scans(ended("old", 0), ended("new", LATER), ended("newer", LATER))
    assert keys(some, Retention(1e6, 1e6, most=0), LATER) == ["old"]
    assert keys(some, Retention(1e6, 1e6, most=0), 2 * LATER) == ["new", "newer"]


def test_to_forget_one_costs_no_look_at_the_others() -> None:
    """There may be thousands, and a new scan every moment."""
    some = scans(*(ended(str(number), number) for number in range(1000)))
    looked_at: list[str] = []

    class Ended(float):
        def __gt__(self, other: float) -> bool:
            looked_at.append("")
            return float(self) > other

    for number in range(1000):
        some.remove(str(number))
        some.add(ended(str(number), Ended(number)))
    assert keys(some, Retention(saved_s=1, failed_s=1, most=1000), 10) == [str(n) for n in range(10)]
    assert len(looked_at) == 11
