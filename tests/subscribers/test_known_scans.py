"""The scans that a session writer knows, and forgets."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from nexus_writer.subscribers import ScanStatus, UnknownScan, known_scans
from nexus_writer.subscribers.known_scans import COLLECT_AFTER, KnownScan, KnownScans
from tests.subscribers.test_tally import SAVED


@dataclass(slots=True)
class Scan:
    """What is asked of either kind of scan."""

    key: str
    end_time: float | None = None
    silent_since: dict[str, bytes] | None = None
    points: int = 10
    calls: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.key.rpartition(":")[2]

    def status(self) -> ScanStatus:
        return replace(SAVED, key=self.key, progress=replace(SAVED.progress, points=self.points))


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def known(forgotten: list[str]) -> KnownScans:
    return KnownScans(forgotten.append, lambda: forgotten.append("collected"))


def put(known: KnownScans, key: str, **values: Any) -> KnownScan:
    scan = cast("KnownScan", Scan(key, **values))
    known.put(scan)
    return scan


def test_a_bare_name_is_that_of_the_latest(known: KnownScans) -> None:
    first, second = put(known, "a:1_scan"), put(known, "b:1_scan")
    assert known.find("1_scan") is second
    assert known.find("a:1_scan") is first
    with pytest.raises(UnknownScan):
        known.find("2_scan")


def test_who_answers_for_a_scan_takes_its_place_and_a_new_scan_is_the_latest(known: KnownScans) -> None:
    put(known, "a:1_scan")
    put(known, "b:1_scan")
    put(known, "a:1_scan")
    assert [scan.key for scan in known] == ["a:1_scan", "b:1_scan"]
    known.make_room("a:1_scan")
    put(known, "a:1_scan")
    assert [scan.key for scan in known] == ["b:1_scan", "a:1_scan"]


def test_those_that_finished_long_ago_are_forgotten_and_still_counted(
    known: KnownScans, forgotten: list[str]
) -> None:
    now = time.time()
    put(known, "old", end_time=now - 60)
    put(known, "silent", end_time=now - 60, silent_since={})
    put(known, "new", end_time=now)
    put(known, "running")
    known.purge(5.0)
    assert [scan.key for scan in known] == ["silent", "new", "running"]
    assert forgotten == ["old"]
    assert (known.statistics().finished, known.statistics().points) == (4, 40)


@pytest.mark.parametrize(("every_s", "collected"), [(0.0, 2), (60.0, 1)])
def test_what_they_left_is_collected_now_and_then(
    every_s: float,
    collected: int,
    known: KnownScans,
    forgotten: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known_scans, "COLLECT_EVERY_S", every_s)
    for number in range(2 * COLLECT_AFTER + 1):
        put(known, f"{number}_scan", end_time=0.0)
        known.purge(5.0)
    assert forgotten.count("collected") == collected
    assert len(known) == 0


def test_old_scans_are_looked_for_now_and_then(
    known: KnownScans, forgotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands of them, and a new scan every moment."""
    clock = [100.0]
    monkeypatch.setattr("nexus_writer.subscribers.known_scans.time.monotonic", lambda: clock[0])
    put(known, "a:1_scan", end_time=time.time() - 1000)
    known.purge_now_and_then(300.0)
    put(known, "a:2_scan", end_time=time.time() - 1000)
    known.purge_now_and_then(300.0)
    assert forgotten == ["a:1_scan"]
    clock[0] += 1.0
    known.purge_now_and_then(300.0)
    assert forgotten == ["a:1_scan", "a:2_scan"]
    put(known, "a:3_scan", end_time=time.time() - 1000)
    known.purge_now_and_then(0.0)
    assert forgotten[2:] == ["a:3_scan"]
