"""Readers see a scan while it is written, and nobody hinders anybody."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    timer,
)
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until
from tests.waiting import allowed_s

SESSION = "live"
CHANNELS = 10
READER = Path(__file__).parent.parent / "live_reader.py"


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    """Where the session saves."""
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")


@pytest.fixture
def writer(redis_url: str, tmp_path: Path) -> Iterator[ServeProcess]:
    """A writer process that listens to the session."""
    with serving(SESSION, redis_url, tmp_path / "writer") as writer:
        yield writer


def announce(dataset: DatasetPublisher, npoints: int) -> ScanPublisher:
    """A prepared scan of ten counters."""
    counters = DeviceSpec("ctl", tuple(ChannelSpec(f"c{n}", np.float64) for n in range(CHANNELS)))
    scan = dataset.scan(ScanSpec("loopscan", (timer(counters),), npoints=npoints))
    scan.prepare()
    return scan


def publish_point(scan: ScanPublisher, point: int) -> None:
    """One point of every counter, out at once."""
    for number in range(CHANNELS):
        scan[f"ctl:c{number}"].publish(float(point))
    scan.flush()


def test_every_point_is_readable_within_a_second(
    writer: ServeProcess, dataset: DatasetPublisher, full: bool
) -> None:
    npoints, period_s = (1000, 0.05) if full else (60, 0.05)
    path = dataset.policy.filename
    reader = subprocess.Popen(
        [sys.executable, str(READER), str(path), "1.1/instrument/c9/data", str(npoints)],
        stdout=subprocess.PIPE,
    )
    scan = announce(dataset, npoints)
    published: list[float] = []
    for point in range(npoints):
        publish_point(scan, point)
        published.append(time.time())
        time.sleep(period_s * (20 if point == npoints // 2 else 1))  # also the last point before a pause
    output, _ = reader.communicate(timeout=60)
    scan.end()
    report = json.loads(output)
    seen = sorted((int(points), at) for points, at in report["seen"].items())
    assert seen[-1][0] == npoints
    for point, published_at in enumerate(published):
        seen_at = next(at for points, at in seen if points > point)
        assert seen_at - published_at <= allowed_s(1.0), (
            f"point {point} was seen {seen_at - published_at:.2f} s later"
        )
    assert len(report["errors"]) <= max(1, report["walks"] // 1000), report["errors"]
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")


def test_viewer_that_stays_open_does_not_hinder(writer: ServeProcess, dataset: DatasetPublisher) -> None:
    path = dataset.policy.filename
    scan = announce(dataset, 3)
    publish_point(scan, 0)
    code = "import h5py, sys; f = h5py.File(sys.argv[1]); print(len(f['1.1']), flush=True); sys.stdin.read()"
    wait_until(path.exists, "file")
    viewer = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert viewer.stdout is not None
    assert viewer.stdout.readline()
    publish_point(scan, 1)
    publish_point(scan, 2)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete while a viewer has the file open")
    second = announce(dataset, 1)
    publish_point(second, 0)
    second.end()
    wait_until(lambda: entry_is_final(path, "2.1"), "the next scan, too")
    assert viewer.poll() is None
    viewer.communicate()
    assert viewer.returncode == 0


@pytest.mark.parametrize("mode", ["r+", "a"])
def test_another_writer_is_refused(writer: ServeProcess, dataset: DatasetPublisher, mode: str) -> None:
    path = dataset.policy.filename
    scan = announce(dataset, 1)
    wait_until(lambda: path.exists() and h5py.is_hdf5(path), "file")
    with pytest.raises(OSError, match="unable to lock file"):
        h5py.File(path, mode)
    publish_point(scan, 0)
    scan.end()
    wait_until(lambda: entry_is_final(path, "1.1"), "complete")
    with h5py.File(path) as file:
        assert file["1.1/measurement/c0"][()].tolist() == [0.0]


def test_two_writers_of_ours_never_have_one_file(
    writer: ServeProcess, redis_url: str, dataset: DatasetPublisher, tmp_path: Path
) -> None:
    """Their leases decide which of them saves the scan."""
    path = dataset.policy.filename
    with serving(SESSION, redis_url, tmp_path / "second") as second:
        scan = announce(dataset, 5)
        for point in range(5):
            publish_point(scan, point)
        scan.end()
        wait_until(lambda: entry_is_final(path, "1.1"), "complete")
        assert second.stop() == 0
    assert writer.stop() == 0
    finished = [log.read_text().count("Finished successfully") for log in (writer.log, second.log)]
    assert sorted(finished) == [0, 1]
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with h5py.File(path) as file:
        assert list(file) == ["1.1"]
        assert file["1.1/measurement/c9"][()].tolist() == [0, 1, 2, 3, 4]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"


def test_sigterm_finalises_running_scans(writer: ServeProcess, dataset: DatasetPublisher) -> None:
    scan = announce(dataset, 100)
    for point in range(7):
        publish_point(scan, point)
    path = dataset.policy.filename
    wait_until(path.exists, "file")
    assert writer.stop() == 0
    with h5py.File(path, "r+") as file:
        assert file["1.1/measurement/c0"][()].tolist() == [0, 1, 2, 3, 4, 5, 6]
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"
        assert "end_time" in file["1.1"]
    assert not writer.ready_file.exists()
