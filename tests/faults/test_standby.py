"""The active writer is killed in the middle of a scan: a standby goes on, within two seconds."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer import open_live
from nexus_writer.data import own_keys
from tests.faults.kept import Beamline, Published, assert_complete, committed, walk
from tests.faults.trials import trials
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("SIGKILL of the active writer with a standby")
SESSION = "guarded"
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.1", "--pace-s", "0.005")
WITHIN_S = 2.0


def takeover_s(scan: Published, killed_at: float, before: int) -> float:
    """Seconds from the kill to the first point that the successor has committed and the dead one had not."""
    wait_until(lambda: committed(scan) > before, "gone on with", timeout_s=60)
    return time.monotonic() - killed_at


@trials(3, 50)
def test_a_standby_goes_on(
    trial: int, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None], full: bool
) -> None:
    """One standby, in every third trial two: one of them takes over, the other one leaves it alone."""
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    with ExitStack() as stack:
        active = stack.enter_context(serving(SESSION, redis_url, tmp_path / "active", *OPTIONS))
        standbys = [
            stack.enter_context(serving(SESSION, redis_url, tmp_path / f"standby{n}", "--standby", *OPTIONS))
            for n in range(2 if trial % 3 == 2 else 1)
        ]
        beamline = Beamline.at(redis_url, SESSION, tmp_path / "data", period_s=0.002)
        publishing = beamline.run([20, 1000, 30])
        wait_until(lambda: len(beamline.scans) > 1, "the second scan")
        first, scan, enough = *beamline.scans[:2], chance.randrange(1, 250)
        wait_until(lambda: entry_is_final(first.path, first.entry), "the first scan complete")
        wait_until(lambda: is_told(redis_url, first), "the first scan told of")
        wait_until(lambda: committed(scan) >= enough, "points in the file")
        active.kill()
        killed_at, before = time.monotonic(), max(enough, committed(scan))
        took_s = takeover_s(scan, killed_at, before)
        record_property("takeover_s", took_s)
        publishing.join(60)
        assert beamline.failure is None, beamline.failure
        for one in beamline.scans:
            wait_until(lambda one=one: entry_is_final(one.path, one.entry), "complete")  # type: ignore[misc]
        assert [standby.stop() for standby in standbys] == [0] * len(standbys)
    for one in beamline.scans:
        assert_complete(one)
    walk(tmp_path / "data")
    assert took_s <= (WITHIN_S if full else 5 * WITHIN_S)
    assert [taken(standby, scan) for standby in standbys].count(1) == 1
    assert sum(taken(standby, beamline.scans[0]) for standby in standbys) == 0


def is_told(redis_url: str, scan: Published) -> bool:
    """Whether the others know how it ended: a moment after its file does."""
    with redis.Redis.from_url(redis_url) as client:
        return bool(client.exists(own_keys.outcome(SESSION, scan.key)))


def place_of(scan: Published) -> int:
    """Where the entry lies in its file: one that is written anew has another place."""
    with open_live(scan.path) as file:
        return int(h5py.h5o.get_info(file[scan.entry].id).addr)


def taken(standby: ServeProcess, scan: Published) -> int:
    """How often it took a scan over, by its log."""
    lines = standby.log.read_text().splitlines()
    assert not any("Traceback" in line for line in lines)
    return sum(f"[{scan.key}] taken over" in line for line in lines)
