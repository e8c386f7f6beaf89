"""The acquisition is killed in the middle of a scan: no END_SCAN will ever come."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import h5py
import pytest

from tests.faults.kept import Beamline, expected
from tests.faults.trials import trials
from tests.serve_process import entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("publisher killed mid-scan")
SESSION = "dead"
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.02", "--silence-s", "2")


def publish(url: str, root: Path) -> None:
    Beamline.at(url, SESSION, root).scan(100_000)


def points_in(path: Path) -> int:
    try:
        with h5py.File(path) as file:
            return len(file["1.1/measurement/flag"])
    except (OSError, KeyError, RuntimeError):
        return 0


def is_free(path: Path) -> bool:
    """Nobody holds the file."""
    try:
        h5py.File(path, "r+").close()
    except BlockingIOError:
        return False
    return True


@trials(2, 10)
def test_the_scan_is_completed_as_interrupted(trial: int, redis_url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    path = data / "hg123/id00/20260101/RAW_DATA/sample/sample_0001/sample_0001.h5"
    with serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer:
        acquisition = multiprocessing.get_context("spawn").Process(target=publish, args=(redis_url, data))
        acquisition.start()
        try:
            wait_until(lambda: points_in(path) >= 20 + 30 * trial, "points in the file")
        finally:
            acquisition.kill()
            acquisition.join(60)
        wait_until(lambda: entry_is_final(path, "1.1"), "completed")
        wait_until(lambda: is_free(path), "given back")
        with h5py.File(path, "r+") as file:
            assert file["1.1/writer/status"].asstr()[()] == "FAILED"
            assert "silent" in file["1.1/writer/unfinished"].asstr()[()]
            assert any("silent" in text for text in file["1.1/writer/warnings"].asstr()[()])
            flag = file["1.1/measurement/flag"][()]
            assert flag.tobytes() == expected(1, len(flag))["flag"].tobytes()
        assert writer.stop() == 0
