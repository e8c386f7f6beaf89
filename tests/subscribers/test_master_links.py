"""Masters that many write to: no link is lost, and no scan waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import DatasetPublisher
from nexus_writer.subscribers import NexusSessionWriter
from tests.hdf5.processes import running_python
from tests.serve_process import serving, wait_until
from tests.session_scans import links_in, run_scan, saved, until
from tests.waiting import allowed_s

Maker = Callable[..., NexusSessionWriter]


def master_of(root: Path) -> Path:
    return root / "hg123/id00/20260101/RAW_DATA/hg123_id00.h5"


def linked(path: Path) -> set[str]:
    """Names of the links, of a file that another process may just be writing."""
    try:
        return set(links_in(path))
    except (OSError, RuntimeError, KeyError):
        return set()


def test_a_master_that_comes_free_after_the_scan(
    writer_with: Maker, sample: DatasetPublisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.writer_thread.LINK_AFTER_S", 0.1)
    monkeypatch.setattr("nexus_writer.layout.masters.RETRY_EVERY_S", 0.1)
    writer = writer_with()
    saved(writer, run_scan(sample).key)
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "r+")
        print("ready", flush=True)
        sys.stdin.read()
    """
    master = master_of(tmp_path)
    with running_python(code, master):
        began_s = time.monotonic()
        scan = saved(writer, run_scan(sample).key)
        assert time.monotonic() - began_s < allowed_s(0.5)
        assert any("is open for writing in" in text for text in scan.status().progress.warnings)
        assert set(links_in(master)) == {"sample_0001_1.1"}
    until(lambda: linked(master) == {"sample_0001_1.1", "sample_0001_2.1"}, "linked")


@pytest.mark.parametrize("flush_period_s", [0.01, 60.0])
def test_a_short_scans_master_that_cannot_be_written_is_in_the_log_once(
    flush_period_s: float,
    writer_with: Maker,
    sample: DatasetPublisher,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also of a scan that is not flushed before its end."""
    master = master_of(tmp_path)
    master.parent.mkdir(parents=True)
    master.write_text("no HDF5")
    writer = writer_with(flush_period_s=flush_period_s)
    scan = saved(writer, run_scan(sample).key)
    [warning] = {text for text in scan.status().progress.warnings if str(master) in text}
    logged = [(record.levelname, record.message) for record in caplog.records]
    assert logged.count(("WARNING", f"[{scan.key}] {warning}")) == 1


def test_two_writers_of_one_proposal(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    """Both link short scans in its master all the time."""
    names = ("one", "two")
    with (
        serving("one", redis_url, tmp_path / "w1") as first,
        serving("two", redis_url, tmp_path / "w2") as other,
    ):
        datasets = [SessionPublisher(redis_client, name).dataset(tmp_path, "hg123", name) for name in names]
        for _ in range(20):
            for dataset in datasets:
                run_scan(dataset, npoints=1)
        wanted = {f"{name}_0001_{number}.1" for name in names for number in range(1, 21)}
        wait_until(lambda: wanted == linked(master_of(tmp_path)), "all linked", 60)
        assert first.stop() == other.stop() == 0
