"""A disk that refuses writes: for a moment, for ever, or because it became read-only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.disks import FuseDisk, fuse_disk
from tests.faults.kept import Beamline, assert_complete
from tests.faults.trials import trials
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("a disk that refuses writes (EIO, EDQUOT, EROFS)")
SESSION = "refused"
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.02", "--pace-s", "0.005")


def says(writer: ServeProcess, text: str) -> Callable[[], bool]:
    return lambda: text in writer.log.read_text()


def waiting_scans(writer: ServeProcess) -> set[str]:
    lines = writer.log.read_text().splitlines()
    return {line.split("]")[0].rpartition(":")[2] for line in lines if "the scan waits in Redis" in line}


def assert_all_complete(disk: FuseDisk, *beamlines: Beamline) -> None:
    scans = [replace(scan, path=disk.seen(scan.path)) for beamline in beamlines for scan in beamline.scans]
    for scan in scans:
        wait_until(lambda s=scan: entry_is_final(s.path, s.entry), f"{scan.entry} complete")  # type: ignore[misc]
    for scan in scans:
        assert_complete(scan)


@trials(2, 10)
def test_what_passes_costs_nothing(trial: int, redis_url: str, tmp_path: Path) -> None:
    """A quota for as long as it lasts; an error of the disk for a moment. Sync is among what fails."""
    error = ("EDQUOT", "EIO")[trial % 2]
    with fuse_disk(tmp_path / "mounted") as disk:
        beamline = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.001)
        options = (*OPTIONS, "--sync-period-s", "0.05")
        with serving(SESSION, redis_url, tmp_path, *options, entering=disk.entering) as writer:
            publishing = beamline.run([260, 20])
            wait_until(lambda: bool(beamline.scans) and beamline.scans[0].points >= 30 + 10 * trial, "points")
            disk.refuse(error)
            wait_until(says(writer, "the scan waits in Redis"), "waiting")
            if error == "EDQUOT":
                wait_until(lambda: beamline.scans[0].points >= 200, "published meanwhile")
            disk.refuse("")
            publishing.join(60)
            assert_all_complete(disk, beamline)
            assert writer.stop() == 0
        assert "] FAULT" not in writer.log.read_text()
        assert "Traceback" not in writer.log.read_text()


def test_all_scans_of_a_file_give_it_back(redis_url: str, tmp_path: Path) -> None:
    """Also one that has nothing to write at the moment."""
    with fuse_disk(tmp_path / "mounted") as disk:
        busy = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.001)
        idle = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.2)
        with serving(SESSION, redis_url, tmp_path, *OPTIONS, entering=disk.entering) as writer:
            waiting = idle.run([6])
            wait_until(lambda: bool(idle.scans) and idle.scans[0].points >= 5, "points")
            publishing = busy.run([400])
            wait_until(lambda: bool(busy.scans) and busy.scans[0].points >= 50, "points")
            assert busy.scans[0].path == idle.scans[0].path
            disk.refuse("ENOSPC")
            wait_until(lambda: waiting_scans(writer) == {"1_loopscan", "2_loopscan"}, "both wait")
            disk.refuse("")
            for thread in (publishing, waiting):
                thread.join(60)
            assert_all_complete(disk, busy, idle)
            assert writer.stop() == 0


@pytest.mark.parametrize("error", [pytest.param("EIO", marks=pytest.mark.full), "EROFS"])
def test_what_does_not_pass_ends_in_fault(
    error: str, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """EIO again and again; the reason names the error. What the file had before it keeps."""
    with fuse_disk(tmp_path / "mounted") as disk:
        beamline = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.002)
        with serving(SESSION, redis_url, tmp_path, *OPTIONS, entering=disk.entering) as writer:
            publishing = beamline.run([200])
            wait_until(lambda: bool(beamline.scans) and beamline.scans[0].points >= 50, "points")
            disk.refuse(error)
            refused_at = time.monotonic()
            wait_until(says(writer, f", {error})"), "FAULT")
            record_property(f"fault_after_{error}_s", time.monotonic() - refused_at)
            assert time.monotonic() - refused_at < (4.5 if error == "EROFS" else 30.0), (
                "at once, or after 5 s"
            )
            assert "] FAULT: writing to" in writer.log.read_text()
            disk.refuse("")
            publishing.join(60)
            assert writer.stop() == 0
            assert "Traceback" not in writer.log.read_text()
        with serving(SESSION, redis_url, tmp_path, *OPTIONS, entering=disk.entering) as writer:
            assert_all_complete(disk, beamline)
            assert writer.stop() == 0
