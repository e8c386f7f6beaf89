"""The scans that a session writer knows, and forgets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from nexus_writer.subscribers import FinishedScan, ScanElsewhere, ScanStatus, UnknownScan, WriterOptions
from nexus_writer.subscribers.known_scans import KnownScans, all_older_than
from nexus_writer.subscribers.retention import Retention
from tests.subscribers.test_tally import RUNNING


@dataclass(slots=True)
class Scan:
    """What is asked of who writes a scan, here or elsewhere."""

    key: str
    state: str = "ON"
    silent: bool = False

    @property
    def name(self) -> str:
        return self.key.rpartition(":")[2]

    def done(self) -> bool:
        return self.state != "ON"

    def status(self) -> ScanStatus:
        return replace(RUNNING, key=self.key, name=self.name, state=self.state)

    def record(self) -> FinishedScan:
        return FinishedScan(self.status(), None, WriterOptions(), silent=self.silent)


@pytest.fixture
def forgotten() -> list[str]:
    return []


@pytest.fixture
def known(forgotten: list[str]) -> KnownScans:
    return KnownScans(forgotten.append)


def put(known: KnownScans, key: str, **values: Any) -> Scan:
    scan = Scan(key, **values)
    known.put(cast("ScanElsewhere", scan))
    return scan


def keys(known: KnownScans) -> list[str]:
    return [scan.key for scan in known]


def counted(known: KnownScans) -> tuple[int, int, int, int]:
    statistics = known.statistics()
    return statistics.running, statistics.finished, statistics.failed, statistics.points


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
    assert keys(known) == ["a:1_scan", "b:1_scan"]
    known.make_room("a:1_scan")
    put(known, "a:1_scan")
    assert keys(known) == ["b:1_scan", "a:1_scan"]
    assert [scan.key for scan in reversed(known)] == ["a:1_scan", "b:1_scan"]


def test_of_a_scan_that_is_done_only_a_record_stays_in_its_place(known: KnownScans) -> None:
    first = put(known, "first")
    put(known, "second")
    assert known.find("first") is first
    assert known.finished("first") is None
    first.state = "OFF"
    record = known.find("first")
    assert isinstance(record, FinishedScan)
    assert known.finished("first") is record
    assert known.get("first") is record
    assert keys(known) == ["first", "second"]
    assert record.status() == first.status()


def test_those_that_finished_long_ago_are_forgotten_and_still_counted(
    known: KnownScans, forgotten: list[str]
) -> None:
    put(known, "old", state="OFF")
    put(known, "failed", state="FAULT")
    put(known, "silent", state="OFF", silent=True)
    put(known, "running")
    known.purge(all_older_than(60))
    assert keys(known) == ["old", "failed", "silent", "running"]
    known.purge(all_older_than(0))
    assert keys(known) == ["silent", "running"]
    assert forgotten == ["old", "failed"]
    assert counted(known) == (1, 2, 1, 40)
    known.silent_no_more("silent")
    known.purge(all_older_than(0))
    assert keys(known) == ["running"]
    assert counted(known) == (1, 2, 1, 40)


def test_failed_scans_are_known_longer(known: KnownScans, forgotten: list[str]) -> None:
    put(known, "failed", state="FAULT")
    put(known, "saved", state="OFF")
    known.purge(Retention(saved_s=0, failed_s=60, most=1000))
    assert forgotten == ["saved"]


def test_a_scan_that_goes_on_is_counted_once(known: KnownScans) -> None:
    put(known, "silent", state="OFF", silent=True)
    put(known, "left", state="OFF")
    assert counted(known) == (0, 2, 0, 20)
    known.make_room("silent")
    put(known, "silent")
    put(known, "left")
    assert counted(known) == (2, 0, 0, 20)


def test_the_version_is_another_one_whenever_there_is_something_else_to_tell(known: KnownScans) -> None:
    versions = [known.version]
    scan = put(known, "1_scan")
    assert known.version is None
    scan.state = "OFF"
    versions.append(known.version)
    known.validated("1_scan", "valid")
    versions.append(known.version)
    known.purge(all_older_than(0))
    versions.append(known.version)
    assert None not in versions
    assert len(set(versions)) == 4
    known.purge(all_older_than(0))
    assert known.version == versions[-1]
    assert known.validated("1_scan", "valid") is None
