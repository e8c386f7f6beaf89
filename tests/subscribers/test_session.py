"""A session writer in this process: which scans it saves, what it answers, what it survives."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data import EmbeddedRedis, SessionPublisher
from nexus_writer.data.publishing import ChannelSpec, DatasetPublisher, DeviceSpec, ScanSpec, timer
from nexus_writer.subscribers import (
    FinishedScan,
    NexusScanWriter,
    NexusSessionWriter,
    ScansRunning,
    SubscriberState,
    UnknownScan,
    WriterOptions,
)
from tests.waiting import allowed_s

SESSION = "unit"
COUNTERS = DeviceSpec("ctl", (ChannelSpec("diode", np.float64, unit="V"), ChannelSpec("flag", np.int32)))


def until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Let greenlets run until the condition holds."""
    with gevent.Timeout(timeout_s, AssertionError(f"{what}: not after {timeout_s} s")):
        while not condition():
            gevent.sleep(0.005)


def spec(npoints: int = 5, **changes: object) -> ScanSpec:
    """A loopscan with two counters and a timer."""
    return ScanSpec("loopscan", (timer(COUNTERS),), title=f"loopscan {npoints}", npoints=npoints, **changes)  # type: ignore[arg-type]


def run_scan(dataset: DatasetPublisher, npoints: int = 5, **changes: object) -> str:
    """Publish a whole scan; its key."""
    with dataset.scan(spec(npoints, **changes)) as scan:
        scan.prepare()
        for point in range(npoints):
            scan["ctl:diode"].publish(float(point))
            scan["ctl:flag"].publish(point)
    return scan.key


@pytest.fixture
def writer(redis_url: str) -> Iterator[NexusSessionWriter]:
    """A writer that listens to the session."""
    writer = NexusSessionWriter(SESSION, WriterOptions(required_disk_space=0), redis_url=redis_url)
    writer.start(wait=True, timeout=60)
    yield writer
    assert writer.shut_down(10)


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    """Where the session saves."""
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample")


def finished(writer: NexusSessionWriter, key: str) -> FinishedScan:
    """A scan, once its file is complete."""
    until(lambda: any(scan.key == key and scan.done() for scan in writer.scans()), f"{key} saved")
    scan = writer.scan(key)
    assert isinstance(scan, FinishedScan)
    return scan


def test_saves_a_scan(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    scan = finished(writer, run_scan(dataset))
    assert scan.state is SubscriberState.OFF, scan.reason
    status = scan.status()
    assert status.progress.points == 10
    assert status.progress.subscans[0].expected_points == 5
    assert (status.progress.subscans[0].min_points, status.progress.subscans[0].max_points) == (0, 5)
    assert status.duration_s is not None
    assert scan.uris == [f"{scan.filename}::/1.1"]
    with h5py.File(scan.filename) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]
        assert file["1.1/measurement/flag"].dtype == np.int32
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert file["1.1/end_reason"].asstr()[()] == "SUCCESS"


def test_scan_exists_within_half_a_second(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec()) as published:
        until(
            lambda: any(scan.key == published.key for scan in writer.scans()),
            "known",
            timeout_s=allowed_s(0.5),
        )
    finished(writer, published.key)


@pytest.mark.parametrize("changes", [{"save": False}, {"data_writer": "hdf5"}, {"data_writer": "null"}])
def test_leaves_alone_what_is_not_its_own(
    writer: NexusSessionWriter, dataset: DatasetPublisher, changes: dict[str, object]
) -> None:
    scan = finished(writer, run_scan(dataset, **changes))
    assert scan.state is SubscriberState.OFF
    assert scan.uris == []
    assert not dataset.policy.filename.exists()


def test_scan_without_filename_is_a_fault(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec(), filename="") as published:
        published.prepare()
    scan = finished(writer, published.key)
    assert scan.state is SubscriberState.FAULT
    assert "No filename specified" in scan.reason
    assert not scan.has_write_permission()


def test_existing_entry_is_refused_and_untouched(
    writer: NexusSessionWriter, dataset: DatasetPublisher
) -> None:
    path = dataset.policy.filename
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file["1.1/precious"] = 42
    scan = finished(writer, run_scan(dataset))
    assert scan.state is SubscriberState.FAULT
    assert "has 1.1 already" in scan.reason
    with h5py.File(path) as file:
        assert list(file["1.1"]) == ["precious"]
    second = finished(writer, run_scan(dataset))
    assert second.state is SubscriberState.OFF, second.reason


def test_directory_that_cannot_be_made_is_a_fault(
    writer: NexusSessionWriter, dataset: DatasetPublisher
) -> None:
    blocked = dataset.policy.filename.parent.parent
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where a directory should be")
    scan = finished(writer, run_scan(dataset))
    assert scan.state is SubscriberState.FAULT
    assert str(blocked) in scan.reason
    assert "\n" not in scan.reason


def test_undecodable_channel_costs_only_itself(
    writer: NexusSessionWriter, dataset: DatasetPublisher, redis_client: redis.Redis
) -> None:
    with dataset.scan(spec()) as published:
        published.prepare()
        for point in range(5):
            published["ctl:diode"].publish(float(point))
        published.flush()
        key = published.channels["ctl:flag"].key
        fields = {
            "__EVENT__": "CHANNELDATA",
            "__DESC__": b"\x80\x04N.",
            "__NPOINTS__": "1",
            "__DATA__": b"junk",
        }
        redis_client.xadd(f"{key}_data", fields, id="1-0")
    scan = finished(writer, published.key)
    assert scan.state is SubscriberState.FAULT
    assert "flag" in scan.reason
    with h5py.File(scan.filename) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"
        assert any("flag" in text for text in file["1.1/writer/warnings"].asstr()[()])
        assert file["1.1/end_reason"].asstr()[()] == "SUCCESS"


def test_two_scans_at_once_in_one_file(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec()) as one, dataset.scan(spec()) as other:
        for scan in (one, other):
            scan.prepare()
        for point in range(5):
            for scan in (one, other):
                scan["ctl:diode"].publish(float(point + 10 * (scan is other)))
                scan.flush()
            gevent.sleep(0.01)
        until(lambda: len(writer.running()) == 2, "both run")
        assert writer.statistics().running == 2
    for scan in (one, other):
        assert finished(writer, scan.key).state is SubscriberState.OFF
    with h5py.File(dataset.policy.filename) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]
        assert file["2.1/measurement/diode"][()].tolist() == [10, 11, 12, 13, 14]
    assert writer.statistics().finished == 2


def test_a_scan_in_a_dataset_that_was_quiet_is_saved(
    writer: NexusSessionWriter, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_writer.data.quiet_streams.MOST_AWAKE", 2)
    session = SessionPublisher(redis_client, SESSION)
    datasets = [session.dataset(tmp_path, "hg123", "sample", f"{number:04}") for number in range(8)]
    for dataset in (*datasets, *datasets):
        assert finished(writer, run_scan(dataset)).state is SubscriberState.OFF


def test_bare_name_means_the_latest_scan(
    writer: NexusSessionWriter, dataset: DatasetPublisher, redis_client: redis.Redis, tmp_path: Path
) -> None:
    first = run_scan(dataset)
    other_dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample", "0002")
    second = run_scan(other_dataset)
    finished(writer, first)
    finished(writer, second)
    assert first.rpartition(":")[2] == second.rpartition(":")[2] == "1_loopscan"
    assert writer.scan("1_loopscan").key == second
    assert writer.scan(first).key == first
    with pytest.raises(UnknownScan, match="No writer for scan '99_nope' exists"):
        writer.scan("99_nope")


def test_purge_forgets_but_counts(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    key = run_scan(dataset)
    finished(writer, key)
    writer.purge(older_than_s=0)
    assert writer.scans() == []
    statistics = writer.statistics()
    assert (statistics.finished, statistics.points) == (1, 10)


def test_what_wrote_a_scan_is_gone_when_it_is_saved(
    writer: NexusSessionWriter, dataset: DatasetPublisher
) -> None:
    """Without the garbage collector, which hardly ever looks in a server; its place is taken by a record.

    Who looked at a scan last may hold it until the next one comes, so others follow.
    """
    thresholds = gc.get_threshold()
    gc.set_threshold(0)

    def saving() -> weakref.ref[NexusScanWriter]:
        with dataset.scan(spec()) as published:
            published.prepare()
            until(writer.running, "running")
            found = weakref.ref(writer.running()[0])
        finished(writer, published.key)
        return found

    try:
        first = [saving() for _ in range(3)]
        until(lambda: saving() and not any(one() for one in first), "nothing left")
    finally:
        gc.set_threshold(*thresholds)


def test_a_finished_scan_answers_as_its_writer_did(
    writer: NexusSessionWriter, dataset: DatasetPublisher
) -> None:
    with dataset.scan(spec()) as published:
        published.prepare()
        until(writer.running, "running")
        saving = writer.running()[0]
    scan = finished(writer, published.key)
    assert scan is not saving
    for ask in ("key", "name", "state", "reason", "uris", "filename"):
        assert getattr(scan, ask) == getattr(saving, ask), ask
    assert scan.status() == saving.status()
    for ask in ("has_write_permission", "disk_space_error", "disk_space_warning"):
        assert getattr(scan, ask)() == getattr(saving, ask)(), ask
    assert scan.free_disk_space_mb() is not None
    scan.stop(wait=True)
    scan.kill()
    assert scan.state is SubscriberState.OFF


def test_stop_is_refused_while_a_scan_runs(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec()) as published:
        published.prepare()
        until(writer.running, "running")
        with pytest.raises(ScansRunning, match="1_loopscan"):
            writer.stop()
    finished(writer, published.key)
    writer.stop(wait=True, timeout=60)
    assert writer.state is SubscriberState.OFF


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_stopped_scan_is_a_complete_file(
    writer: NexusSessionWriter, dataset: DatasetPublisher, how: str
) -> None:
    with dataset.scan(spec()) as published:
        published.prepare()
        published["ctl:diode"].publish(np.arange(3.0))
        published.flush()
        until(writer.running, "running")
        scan = writer.scan(published.key)
        until(lambda: scan.status().progress.points == 3, "three points saved")
        getattr(scan, how)(wait=True, timeout=60)
        assert scan.state is SubscriberState.FAULT
        with h5py.File(scan.filename, "r+", locking=True) as file:  # nobody holds it any more
            assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2]
            assert file["1.1/writer/status"].asstr()[()] == "FAILED"
            assert "end_time" in file["1.1"]


def test_session_that_does_not_exist_yet_is_waited_for(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    writer = NexusSessionWriter("later", WriterOptions(required_disk_space=0), redis_url=redis_url)
    writer.start(wait=True, timeout=60)
    assert writer.state is SubscriberState.ON
    assert "Waiting for session 'later'" in writer.reason
    dataset = SessionPublisher(redis_client, "later").dataset(tmp_path, "hg123", "sample")
    scan = finished(writer, run_scan(dataset))
    assert scan.state is SubscriberState.OFF, scan.reason
    assert "Waiting" not in writer.reason
    assert writer.shut_down(10)


def test_redis_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis") as server:
        writer = NexusSessionWriter(SESSION, WriterOptions(required_disk_space=0), redis_url=server.url)
        writer.start(wait=True, timeout=60)
        with server.client() as client:
            dataset = SessionPublisher(client, SESSION).dataset(tmp_path, "hg123", "sample")
            published = dataset.scan(spec())
            published.prepare()
            published["ctl:diode"].publish(np.arange(2.0))
            published.flush()
            until(writer.running, "running")
            scan = writer.scan(published.key)
            until(lambda: scan.status().progress.points == 2, "two points saved")
            server.stop()
            until(lambda: "Redis is away" in scan.reason, "scan says so")
            until(lambda: "Redis is away" in writer.reason, "session says so")
            assert scan.state is SubscriberState.ON
            assert writer.state is SubscriberState.ON
            server.start()
            published["ctl:diode"].publish(np.arange(2.0, 5.0))
            published.end()
            until(scan.done, "saved", timeout_s=60)
            assert scan.state is SubscriberState.OFF, scan.reason
            with h5py.File(scan.filename) as file:
                assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]
            again = finished(writer, run_scan(dataset))
            assert again.state is SubscriberState.OFF, again.reason
        assert writer.shut_down(10)


def test_node_belongs_to_the_thread_that_asks(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec()) as published:
        until(writer.running, "running")
        scan = writer.running()[0]
        here = scan.node
        there = gevent.get_hub().threadpool.apply(lambda: scan.node)
        assert here is scan.node
        assert there is not here
        assert here.db_name == there.db_name == scan.key
        assert scan.info["title"] == "loopscan 5"
        assert writer.node.db_name == SESSION
    finished(writer, published.key)


def test_points_that_never_came_are_a_fault(writer: NexusSessionWriter, dataset: DatasetPublisher) -> None:
    with dataset.scan(spec()) as published:
        published.prepare()
        diode = published["ctl:diode"]
        diode.publish(np.arange(2.0))
        diode.points += 2
        diode.publish(4.0)
    scan = finished(writer, published.key)
    assert scan.state is SubscriberState.FAULT
    assert "points 2 to 3 never came" in scan.reason
    with h5py.File(scan.filename) as file:
        np.testing.assert_array_equal(file["1.1/measurement/diode"], [0, 1, np.nan, np.nan, 4])
        assert file["1.1/writer/status"].asstr()[()] == "FAILED"


def test_redis_that_is_back_is_said_without_a_scan(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / "redis") as server:
        writer = NexusSessionWriter(SESSION, WriterOptions(required_disk_space=0), redis_url=server.url)
        writer.start(wait=True, timeout=60)
        server.stop()
        until(lambda: "Redis is away" in writer.reason, "away")
        server.start()
        until(lambda: "Redis is away" not in writer.reason, "back")
        assert writer.shut_down(10)


def test_stopped_scan_says_what_it_waited_for(redis_url: str, dataset: DatasetPublisher) -> None:
    writer = NexusSessionWriter(SESSION, WriterOptions(required_disk_space=1e12), redis_url=redis_url)
    writer.start(wait=True, timeout=60)
    with dataset.scan(spec()) as published:
        published.prepare()
        until(writer.running, "running")
        scan = writer.scan(published.key)
        until(lambda: "Free disk space below" in scan.reason, "waits")
        assert scan.state is SubscriberState.ON
        scan.stop(wait=True, timeout=60)
        assert "Stopped on request" in scan.reason
        assert "Free disk space below" in scan.reason
    assert writer.shut_down(10)
