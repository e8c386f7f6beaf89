"""Redis loses its data in the middle of a scan: what was read is kept, and the session goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
import redis

from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, ScanSpec, SessionPublisher, timer
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter
from tests.session_scans import COUNTERS, finished, publish, reading, run_scan, saved, until, until_points

from .conftest import SESSION

Maker = Callable[..., NexusSessionWriter]


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan from which nothing comes is looked for every 5 s; here, more often."""
    monkeypatch.setattr("nexus_writer.data.scan_reader.IDLE_BLOCK_S", 0.1)


def begun(sample: DatasetPublisher, npoints: int = 20) -> ScanPublisher:
    """A scan with 5 points of each channel."""
    scan = sample.scan(ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan", npoints=npoints))
    scan.announce()
    scan.prepare()
    publish(scan, 5)
    return scan


def test_a_scan_that_is_gone_is_kept_and_completed_after_the_silence(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis, tmp_path: Path
) -> None:
    writer = writer_with(silence_s=1.5)
    scan = begun(sample)
    until_points(writer, scan.key, 10)
    redis_client.flushall()
    until(lambda: "is gone from Redis" in writer.scan(scan.key).reason, "said")
    assert writer.scan(scan.key).state.name == "ON"
    assert writer.state.name == "ON"
    status = finished(writer, scan.key)
    assert status.state.name == "OFF"
    assert "silent" in status.reason
    with reading(Path(scan.filename)) as file:
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"
        assert any("is gone from Redis" in text for text in file["1.1/writer/warnings"].asstr()[()])
        assert file["1.1/measurement/flag"][()].tolist() == [0, 1, 2, 3, 4]
    until(lambda: not status.silent, "nobody waits for it")
    again = SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "other")
    saved(writer, run_scan(again).key)


def test_a_publisher_that_goes_on_loses_nothing(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    writer = writer_with()
    scan = begun(sample)
    until_points(writer, scan.key, 10)
    redis_client.flushall()
    until(lambda: "is gone from Redis" in writer.scan(scan.key).reason, "said")
    publish(scan, 15)
    scan.end()
    status = finished(writer, scan.key)
    assert status.state.name == "OFF", status.reason
    with reading(Path(scan.filename)) as file:
        assert file["1.1/measurement/flag"][()].tolist() == list(range(20))


def test_a_later_scan_of_the_same_name_is_another_one(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Its points are not taken for those of the first one, and it is saved, where it goes elsewhere."""
    writer = writer_with()
    first = begun(sample)
    until_points(writer, first.key, 10)
    redis_client.flushall()
    session: Any = SessionPublisher(redis_client, SESSION)
    again = session.dataset(tmp_path, "hg123", "sample")
    path = tmp_path / "elsewhere.h5"
    spec = ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan 8", npoints=8)
    with again.scan(spec, filename=path) as second:
        assert second.key == first.key
        second.prepare()
        publish(second, 8)
    until(lambda: writer.scan(first.key).uris == [f"{path}::/1.1"], "the second one is known")
    saved(writer, second.key)
    with reading(path) as file:
        assert file["1.1/measurement/flag"][()].tolist() == list(range(8))
    with reading(Path(first.filename)) as file:
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"
        assert "has its name" in file["1.1/writer/warnings"].asstr()[()][-1]
        assert file["1.1/measurement/flag"][()].tolist() == [0, 1, 2, 3, 4]


def test_a_silent_scan_whose_name_another_one_has_now_is_forgotten_without_a_word(
    writer_with: Maker,
    sample: DatasetPublisher,
    redis_client: redis.Redis,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    writer = writer_with(silence_s=0.5)
    first = begun(sample)
    until(lambda: knows_silent(writer, first.key), "silent")
    gevent.sleep(0.3)  # it listens for more of it
    redis_client.flushall()
    session: Any = SessionPublisher(redis_client, SESSION)
    second = begun(session.dataset(tmp_path, "hg123", "sample"))
    assert second.key == first.key
    second.end()
    until(lambda: not writer.running() and not len(writer._beside), "nobody listens to the first one")
    captured = capfd.readouterr()
    assert "Traceback" not in captured.err + captured.out


def knows_silent(writer: NexusSessionWriter, key: str) -> bool:
    return any(isinstance(scan, FinishedScan) and scan.key == key and scan.silent for scan in writer.scans())
