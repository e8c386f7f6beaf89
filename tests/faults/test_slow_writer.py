"""Redis throws away what a frozen writer has not read: the file and its report tell exactly what."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.faults.kept import Beamline, expected
from tests.faults.trials import trials
from tests.serve_process import entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("stream trimmed under a slow writer")
SESSION = "slow"
MAX_ENTRIES = 50
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.02", "--pace-s", "0.005")


def assert_exact_gap(path: Path, entry: str, length: int) -> None:
    """Of each channel the points before the freeze and those that Redis still had; nothing shifted."""
    with h5py.File(path) as file:
        report = file[entry]["writer/points"]
        names = report["channel"].asstr()[()].tolist()
        missing = {names[row]: (first, last) for row, first, last in report["missing"][()].tolist()}
        warnings = file[entry]["writer/warnings"].asstr()[()].tolist()
        assert file[entry]["writer/status"].asstr()[()] == "FAILED"
        for name, values in expected(1, length).items():
            first, last = missing[f"ctl:{name}"]
            assert 0 < first < last < length - 1
            wanted = values.copy()
            wanted[first : last + 1] = np.nan if values.dtype.kind == "f" else 0
            assert file[entry][f"measurement/{name}"][()].tobytes() == wanted.tobytes()
            received = report["received"][names.index(f"ctl:{name}")]
            assert received == length - (last - first + 1)
            assert f"ctl:{name}: points {first} to {last} never came" in warnings


@trials(2, 10)
def test_a_trimmed_stream_leaves_exact_gaps(trial: int, redis_url: str, tmp_path: Path) -> None:
    """Restarted afterwards, in half of the trials: the gap is known to the writer that goes on, too."""
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    length, before = 1200, chance.randrange(30, 200)
    beamline = Beamline.at(redis_url, SESSION, tmp_path / "data", period_s=0.001)
    beamline.dataset.session.stream_max_entries = MAX_ENTRIES
    with serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer:
        publishing = beamline.run([length])
        wait_until(lambda: bool(beamline.scans) and beamline.scans[0].points >= before, "published")
        scan = beamline.scans[0]
        os.kill(writer.process.pid, signal.SIGSTOP)
        wait_until(lambda: scan.points >= before + 600, "published beyond what Redis keeps")
        os.kill(writer.process.pid, signal.SIGCONT)
        if trial % 2:
            wait_until(lambda: scan.points >= before + 700, "seen by the writer again")
            writer.kill()
        else:
            publishing.join(60)
            wait_until(lambda: entry_is_final(scan.path, scan.entry), "complete")
            assert writer.stop() == 0
    if trial % 2:
        with serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer:
            publishing.join(60)
            wait_until(lambda: entry_is_final(scan.path, scan.entry), "complete")
            assert writer.stop() == 0
    assert beamline.failure is None
    if trial % 2:  # the second writer may have lost more: what was trimmed while there was none
        assert_gaps_are_told(scan.path, scan.entry, length)
    else:
        assert_exact_gap(scan.path, scan.entry, length)


def assert_gaps_are_told(path: Path, entry: str, length: int) -> None:
    """What the report says to lack is fill value, and everything else is right."""
    with h5py.File(path) as file:
        report = file[entry]["writer/points"]
        names = report["channel"].asstr()[()].tolist()
        for name, values in expected(1, length).items():
            row, wanted = names.index(f"ctl:{name}"), values.copy()
            ranges = [(first, last) for of, first, last in report["missing"][()].tolist() if of == row]
            assert ranges
            for first, last in ranges:
                wanted[first : last + 1] = np.nan if values.dtype.kind == "f" else 0
            assert file[entry][f"measurement/{name}"][()].tobytes() == wanted.tobytes()
            assert report["received"][row] == length - sum(last - first + 1 for first, last in ranges)
