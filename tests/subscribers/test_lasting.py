"""Writing that waits for a disk: what is done meanwhile, and what it may end in."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import h5py
import pytest
import redis

from nexus_writer.data import SessionPublisher, own_keys
from nexus_writer.data.leases import Leases
from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher
from nexus_writer.subscribers import NexusScanWriter, NexusSessionWriter
from nexus_writer.subscribers.scan_consumer import ScanConsumer
from nexus_writer.subscribers.scan_listener import ScanGone
from tests.session_scans import begin, finished, publish, run_scan, saved, until, until_points

SESSION = "optional"
Maker = Callable[..., NexusSessionWriter]


class Disk:
    """``os.fsync`` of this process: the call ``held`` waits until it is let go, and then has the error."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, held: int, error: int = 0) -> None:
        self.calls = 0
        self.waits = threading.Event()
        self.let_go = threading.Event()
        self._held = held
        self._error = error
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        if self.calls == self._held:
            self.waits.set()
            assert self.let_go.wait(60)
            if self._error:
                raise OSError(self._error, os.strerror(self._error))
        self._fsync(descriptor)


def written(writer: NexusSessionWriter, scan: ScanPublisher, points: int) -> NexusScanWriter:
    """The writer of a scan that runs, when so many points of both channels are in the file."""

    until_points(writer, scan.key, points)
    return writer.scan(scan.key)


def entry_of(scan: ScanPublisher) -> dict[str, Any]:
    with h5py.File(scan.filename) as file:
        entry = file[f"{scan.info['scan_nb']}.1"]
        status = entry["writer/status"].asstr()[()]
        return {"status": status, "diode": entry["measurement/diode"][()].tolist(), "names": sorted(file)}


@pytest.mark.parametrize("held", [1, 2])
def test_other_scans_go_on_while_the_disk_takes_the_end_of_one(
    held: int,
    writer_with: Maker,
    sample: DatasetPublisher,
    session: SessionPublisher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = writer_with(sync_period_s=0)
    disk = Disk(monkeypatch, held)
    scan = run_scan(sample)
    until(disk.waits.is_set, "the end is being synced")
    other = begin(session.dataset(tmp_path, "hg123", "other"))
    written(writer, other, 6)
    assert not writer.scan(scan.key).done()
    disk.let_go.set()
    other.end()
    saved(writer, scan.key)
    finished(writer, other.key)
    assert entry_of(scan)["status"] == "SUCCEEDED"


def test_what_a_sync_under_way_finds_is_met_by_a_scan_that_ends(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system tells an error once: the next fsync says nothing of it. All is written again."""
    disk = Disk(monkeypatch, 1, errno.EIO)
    writer = writer_with(sync_period_s=0.01)
    scan = begin(sample)
    until(disk.waits.is_set, "a sync is under way")
    publish(scan, 2)
    writing = written(writer, scan, 10)
    scan.end()
    until(lambda: writing._consumer.has_ended, "its end is known")
    gevent.sleep(0.3)
    assert not writing.done()
    opened: list[ScanConsumer] = []
    reopen = ScanConsumer.reopen
    monkeypatch.setattr(
        ScanConsumer, "reopen", lambda self, *a, **k: (opened.append(self), reopen(self, *a, **k))
    )
    disk.let_go.set()
    saved(writer, scan.key)
    assert len(opened) == 1
    found = entry_of(scan)
    assert (found["status"], found["diode"]) == ("SUCCEEDED", [0, 1, 2, 3, 4])
    assert found["names"] == ["1.1"]


def test_without_another_thread_the_disk_is_waited_for_all_the_same(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_with(sync_period_s=0.01)
    disk, start = Disk(monkeypatch, 0), threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "fsync":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    scan = begin(sample)
    written(writer, scan, 6)
    until(lambda: disk.calls, "a first time")
    before = disk.calls
    publish(scan, 2)
    until(lambda: disk.calls > before, "and again")
    scan.end()
    saved(writer, scan.key)
    assert entry_of(scan)["status"] == "SUCCEEDED"


def test_a_lease_that_is_lost_while_the_disk_is_waited_for_leaves_the_status_open(
    writer_with: Maker,
    sample: DatasetPublisher,
    redis_client: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer = writer_with(sync_period_s=0)
    disk = Disk(monkeypatch, 1)
    scan = begin(sample)
    publish(scan, 2)
    writing = written(writer, scan, 10)
    scan.end()
    until(disk.waits.is_set, "the end is being synced")
    claim = writing._claim
    assert claim is not None
    redis_client.delete(own_keys.lease(SESSION, claim.lease.path))
    assert Leases(SESSION, "another:1:0", lifetime_s=60).take(redis_client, claim.lease.path).owner[0] == "a"
    until(lambda: claim.lost, "the lease is lost")
    disk.let_go.set()
    until(writing.done, "it ends")
    assert writing.left
    assert "goes on in another (pid 1)" in writing.reason
    found = entry_of(scan)
    assert found["status"] not in ("SUCCEEDED", "FAILED")
    assert found["diode"] == [0, 1, 2, 3, 4]


def test_redis_loses_a_scan_at_the_moment_its_file_breaks(
    writer_with: Maker, sample: DatasetPublisher
) -> None:
    """To say so is a write like others: it is made up for, and no point is dropped."""
    writer = writer_with(sync_period_s=0, flush_period_s=60)
    scan = begin(sample)
    writing = written(writer, scan, 6)
    publish(scan, 1)
    until(lambda: writing._consumer._pending, "pending")

    def break_it() -> None:
        file = writing._consumer._file
        assert file is not None
        assert file._file is not None
        file._file.poison("Input/output error")
        writing._queue.put([ScanGone("Redis has lost it")])

    writing._writer.thread.apply(break_it)
    publish(scan, 1)
    scan.end()
    until(writing.done, "saved")
    assert writing.state.name == "OFF", writing.reason
    assert entry_of(scan)["diode"] == [0, 1, 2, 3, 4]


def test_a_file_is_given_back_before_the_disk_has_its_status(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All points are on the disk by then; that the scan is saved is told when its status is there, too."""
    disk = Disk(monkeypatch, 2)
    writer = writer_with(sync_period_s=0)
    scan = run_scan(sample)
    until(disk.waits.is_set, "the status is being synced")
    with h5py.File(scan.filename, "a", locking=True) as file:
        assert file["1.1/writer/status"][()] == b"SUCCEEDED"
    assert not writer.scan(scan.key).done()
    disk.let_go.set()
    assert finished(writer, scan.key).state.name == "OFF"


def test_a_last_sync_that_fails_is_not_hidden_by_the_status_that_was_set(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next fsync says nothing of what the first one could not write: all is written again."""
    disk = Disk(monkeypatch, 2, errno.EIO)
    writer = writer_with(sync_period_s=0)
    scan = begin(sample)
    writing = written(writer, scan, 6)
    publish(scan, 2)
    scan.end()
    until(disk.waits.is_set, "the status is being synced")
    disk.let_go.set()
    until(writing.done, "it ends")
    assert (writing.state.name, writing.completed) == ("OFF", True)
    assert disk.calls >= 4
    found = entry_of(scan)
    assert found == {"status": "SUCCEEDED", "diode": [0, 1, 2, 3, 4], "names": ["1.1"]}
    with h5py.File(scan.filename) as file:
        note = file["1.1/writer"]
        assert "resumed" in note, "the entry was made anew"
        assert "unfinished" not in note


def test_a_last_sync_that_fails_does_not_hide_that_a_channel_was_lost(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_with(sync_period_s=0)
    disk = Disk(monkeypatch, 2, errno.EIO)
    disk.let_go.set()
    scan = begin(sample)
    writing = written(writer, scan, 6)
    consumer = writing._consumer
    writing._writer.thread.apply(lambda: consumer._file.lose(scan["ctl:flag"].key, "flag is lost"))
    publish(scan, 2)
    scan.end()
    until(writing.done, "it ends")
    assert disk.calls > 2
    assert entry_of(scan)["status"] == "FAILED"
    assert (writing.state.name, writing.reason) == ("FAULT", "flag is lost")


def test_a_camera_that_cannot_be_looked_for_does_not_keep_the_file_open(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that goes wrong at the end of a scan may leave its file locked."""

    def look(consumer: ScanConsumer) -> tuple[float, int]:
        raise ValueError("embedded null byte")

    monkeypatch.setattr(ScanConsumer, "follow_cameras", look)
    writer = writer_with(sync_period_s=0)
    scan = run_scan(sample)
    writing = finished(writer, scan.key)
    assert (writing.state.name, writing.reason) == ("FAULT", "embedded null byte")
    assert len(writer._writer_thread().files) == 0
    found = entry_of(scan)
    assert (found["status"], found["diode"]) == ("FAILED", [0, 1, 2, 3, 4])
