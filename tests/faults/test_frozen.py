"""The active writer freezes in the middle of a scan, a standby goes on, and then it wakes up."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.kept import Beamline, Published, assert_complete, committed, walk
from tests.faults.lock_holders import LockHolders
from tests.faults.trials import trials
from tests.serve_process import entry_is_final, serving, wait_until

pytestmark = [
    pytest.mark.fault("SIGSTOP of a server with a standby, then SIGCONT"),
    pytest.mark.timeout(600),
]
SESSION = "frozen"
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.05", "--pace-s", "0.005")
FROZEN_S, FROZEN_SHORT_S = 10.0, 2.5
LINKED_WITHIN_S = 120.0


def anywhere(scan: Published) -> int:
    """Points that its entry has in any file."""
    files = scan.path.parent.glob(f"{scan.path.stem}*.h5")
    return max((committed(Published(scan.key, path, scan.number)) for path in files), default=0)


@trials(2, 20)
def test_two_writers_are_never_in_one_file(
    trial: int, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None], full: bool
) -> None:
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    frozen_s = FROZEN_S if full else FROZEN_SHORT_S
    data = tmp_path / "data"
    with (
        serving(SESSION, redis_url, tmp_path / "active", *OPTIONS) as active,
        serving(SESSION, redis_url, tmp_path / "standby", "--standby", *OPTIONS) as standby,
        LockHolders((active.process.pid, standby.process.pid)) as holders,
    ):
        beamline = Beamline.at(redis_url, SESSION, data, period_s=0.002)
        publishing = beamline.run([20, chance.choice((500, 900, 1500) if full else (500, 700)), 30, 40])
        wait_until(lambda: len(beamline.scans) > 1, "the second scan")
        scan, enough = beamline.scans[1], chance.randrange(1, 250)
        wait_until(lambda: committed(scan) >= enough, "points in the file")
        os.kill(active.process.pid, signal.SIGSTOP)
        frozen_at, before = time.monotonic(), max(enough, anywhere(scan))
        wait_until(lambda: anywhere(scan) > before, "gone on with", timeout_s=60)
        record_property("takeover_s", time.monotonic() - frozen_at)
        time.sleep(max(0.0, frozen_at + frozen_s - time.monotonic()))
        os.kill(active.process.pid, signal.SIGCONT)
        publishing.join(60)
        assert beamline.failure is None, beamline.failure
        for one in beamline.scans:
            wait_until(
                lambda one=one: entry_is_final(one.path, one.entry),  # type: ignore[misc]
                f"{one.entry} complete in its own file",
                LINKED_WITHIN_S,
            )
        noticed = [line for line in active.log.read_text().splitlines() if "left alone" in line]
        later = beamline.scan(25)
        wait_until(lambda: entry_is_final(later.path, later.entry), "the next one")
        assert standby.stop() == active.stop() == 0
    assert holders.looks > 100
    assert [pids for sequence in holders.sequence.values() for pids in sequence if len(pids) > 1] == []
    assert {active.process.pid} in holders.of(scan.path)
    assert len(noticed) == 1, noticed
    assert str(scan.path) in noticed[0]
    assert f"[{scan.key}] OFF: {scan.path} goes on in" in active.log.read_text()
    for one in beamline.scans:
        assert_complete(one, "is open for writing in python")
    walk(data)
    assert not re.search("Traceback|ERROR|FAULT", active.log.read_text() + standby.log.read_text())
