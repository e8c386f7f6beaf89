"""A small disk that another file fills up in the middle of scans, and that is freed later."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.faults.disks import Disk, small_disk
from tests.faults.kept import Beamline, Published, assert_complete, expected
from tests.faults.trials import trials
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("disk full on a small file system, space freed")
SESSION = "full"
QUICK = ("--flush-period-s", "0.02", "--pace-s", "0.005")
RESERVE_MB = 4
NO_RESERVE = (*QUICK, "--required-disk-space", "0")
WITH_RESERVE = (*QUICK, "--required-disk-space", str(RESERVE_MB))


class Viewer(threading.Thread):
    """Looks into the file all the time, and holds what it finds against what was published."""

    def __init__(self, disk: Disk, beamline: Beamline) -> None:
        super().__init__(daemon=True)
        self._disk = disk
        self._beamline = beamline
        self._ending = threading.Event()
        self.looks = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        while not self._ending.wait(0.02):
            for scan in list(self._beamline.scans):
                try:
                    self._look(self._disk.seen(scan.path), scan)
                except (OSError, KeyError, RuntimeError):  # a page that is half flushed, or no file yet
                    continue

    def stop(self) -> None:
        self._ending.set()
        self.join(60)

    def _look(self, path: Path, scan: Published) -> None:
        with h5py.File(path) as file:
            for name, values in expected(scan.number, 5000).items():
                saved = file[f"{scan.entry}/measurement/{name}"][()]
                if saved.tobytes() != values[: len(saved)].tobytes():
                    bad = np.flatnonzero((saved != values[: len(saved)]).reshape(len(saved), -1).any(axis=1))
                    self.wrong.append(f"{scan.entry} {name}: {len(bad)} of {len(saved)}, from {bad[:1]}")
                self.looks += 1


@contextmanager
def viewing(disk: Disk, beamline: Beamline) -> Iterator[None]:
    """Nothing wrong may be seen, at any time."""
    viewer = Viewer(disk, beamline)
    viewer.start()
    try:
        yield
    finally:
        viewer.stop()
    assert viewer.wrong == []
    assert viewer.looks > 0


def says(writer: ServeProcess, text: str) -> Callable[[], bool]:
    return lambda: text in writer.log.read_text()


def assert_all_complete(disk: Disk, beamline: Beamline) -> None:
    assert beamline.failure is None, beamline.failure
    scans = [replace(scan, path=disk.seen(scan.path)) for scan in beamline.scans]
    for scan in scans:
        wait_until(lambda s=scan: entry_is_final(s.path, s.entry), f"{scan.entry} complete")  # type: ignore[misc]
    for scan in scans:
        assert_complete(scan)


@trials(2, 20)
def test_the_scan_goes_on_by_itself(trial: int, redis_url: str, tmp_path: Path) -> None:
    """Every other time without a reserve, so that a write really fails."""
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    reserve = bool(trial % 2)
    options = WITH_RESERVE if reserve else NO_RESERVE
    with small_disk(tmp_path, 16) as disk:
        beamline = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.001)
        with serving(SESSION, redis_url, tmp_path, *options, entering=disk.entering) as writer:
            with viewing(disk, beamline):
                publishing = beamline.run([300, 700, 40])
                wait_until(lambda: len(beamline.scans) > chance.randrange(2), "a scan")
                scan = beamline.scans[-1]
                wait_until(lambda: scan.points >= chance.randrange(30, 200), "points")
                disk.fill(0 if reserve else chance.randrange(0, 40_000))
                wait_until(says(writer, f"below {RESERVE_MB} MB" if reserve else "No space left"), "waiting")
                wait_until(lambda: scan.points >= 250, "published meanwhile")
                disk.free()
                publishing.join(60)
                assert_all_complete(disk, beamline)
            assert writer.stop() == 0
        assert "] FAULT" not in writer.log.read_text()
        assert "Traceback" not in writer.log.read_text()


def test_a_writer_killed_while_the_disk_is_full(redis_url: str, tmp_path: Path) -> None:
    """The next one finds the disk full, too, waits for space like the first, and completes all."""
    with small_disk(tmp_path, 16) as disk:
        beamline = Beamline.at(redis_url, SESSION, disk.inside, period_s=0.001)
        with serving(SESSION, redis_url, tmp_path, *NO_RESERVE, entering=disk.entering) as writer:
            publishing = beamline.run([600, 40])
            wait_until(lambda: bool(beamline.scans) and beamline.scans[0].points >= 50, "points")
            disk.fill()
            wait_until(says(writer, "No space left"), "waiting")
            writer.kill()
            already = len(writer.log.read_text())
        publishing.join(60)
        with serving(SESSION, redis_url, tmp_path, *NO_RESERVE, entering=disk.entering) as writer:
            wait_until(lambda: "No space left" in writer.log.read_text()[already:], "waiting again")
            disk.free()
            assert_all_complete(disk, beamline)
            assert writer.stop() == 0
        assert "] FAULT" not in writer.log.read_text()
        assert "Traceback" not in writer.log.read_text()
