"""What is known of a disk before it is written."""

from __future__ import annotations

from pathlib import Path

from nexus_writer.subscribers.disk import DiskSpace, free_megabytes, refusal
from tests.faults.disks import small_disk
from tests.session_scans import until


def test_free_space_of_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    assert abs(free_megabytes(tmp_path / "a" / "b") - free_megabytes(tmp_path)) < 100


def test_limits(tmp_path: Path) -> None:
    space = DiskSpace(tmp_path, 1, 1e12)
    until(lambda: space.free_mb() is not None, "known")
    assert space.error() == ""
    assert space.warning() == "Free disk space below 1e+12 MB"
    assert DiskSpace(tmp_path, 0, 0).error() == ""


def test_a_disk_that_takes_a_write(tmp_path: Path) -> None:
    assert refusal(tmp_path / "not" / "there") == ""
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_refuses_and_says_so(tmp_path: Path) -> None:
    with small_disk(tmp_path, 1) as disk:
        disk.fill()
        assert refusal(disk.outside) == "No space left on device"
        space = DiskSpace(disk.outside, 0, 0)
        until(lambda: space.lacks(0.5) == "Free disk space below 0.5 MB", "known")
        until(lambda: space.lacks(0) == "" and space.refusal() == "No space left on device", "tried")
        disk.free()
        until(lambda: space.lacks(0.5) == "" and space.refusal() == "", "free again")
