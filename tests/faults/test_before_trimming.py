"""A disk that stays full until Redis would drop points: FAULT has the beamline abort the scan in time."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import h5py
import pytest

from nexus_writer.data.publishing import ScanSpec, timer
from tests.faults.disks import Disk, small_disk
from tests.faults.kept import COUNTERS, Beamline, Published, assert_complete, expected
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("disk full for longer than Redis keeps points")
SESSION = "patient"
KEPT_ENTRIES = 500
FULL_AT, MOST = 700, 2000
"""Points; Redis shows what it keeps when it has begun to drop what is old."""
PUBLISHED_PER_S = 100
OPTIONS = ("--required-disk-space", "4", "--flush-period-s", "0.02", "--queue-size", "1")


def publish_until_fault(beamline: Beamline, writer: ServeProcess, disk: Disk) -> Published:
    """As a beamline does: single points, until the writer is in FAULT. ``FULL_AT`` points find space."""
    with beamline.dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=MOST)) as scan:
        scan.prepare()
        published = Published(scan.key, Path(scan.filename), scan.info["scan_nb"])
        values = expected(published.number, MOST)
        while published.points < MOST and "] FAULT" not in writer.log.read_text():
            index = published.points
            for name, points in values.items():
                scan[f"ctl:{name}"].publish(points[index : index + 1])
            scan.flush()
            published.points += 1
            if published.points == FULL_AT:
                wait_until(lambda: points_in(disk.seen(published.path)) == FULL_AT, "written so far")
                disk.fill()
            time.sleep(1 / (PUBLISHED_PER_S if published.points >= FULL_AT else 1000))
    return published


def points_in(path: Path) -> int:
    try:
        with h5py.File(path) as file:
            return len(file["1.1/measurement/flag"])
    except (OSError, KeyError, RuntimeError):
        return 0


def test_fault_comes_before_the_loss_and_all_is_saved(redis_url: str, tmp_path: Path) -> None:
    """What was published until then is complete as soon as there is space, though the state stays FAULT."""
    with small_disk(tmp_path, 16) as disk:
        beamline = Beamline.at(redis_url, SESSION, disk.inside)
        beamline.dataset.session.stream_max_entries = KEPT_ENTRIES
        with serving(SESSION, redis_url, tmp_path, *OPTIONS, entering=disk.entering) as writer:
            scan = publish_until_fault(beamline, writer, disk)
            log = writer.log.read_text()
            assert "] FAULT: Free disk space below 4 MB" in log
            assert "Redis is about to drop points" in log
            assert PUBLISHED_PER_S < scan.points - FULL_AT < KEPT_ENTRIES
            disk.free()
            seen = replace(scan, path=disk.seen(scan.path))
            wait_until(lambda: entry_is_final(seen.path, seen.entry), "complete")
            assert_complete(seen)
            assert writer.stop() == 0
