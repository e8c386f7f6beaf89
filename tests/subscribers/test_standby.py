"""Two session writers of one session: who writes, and what each of them answers."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer.data import EmbeddedRedis, SessionPublisher
from nexus_writer.data.leases import LIFETIME_S, held_leases
from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher
from nexus_writer.data.roster import Outcome, present_writers
from nexus_writer.subscribers import NexusSessionWriter, read_options
from nexus_writer.subscribers.sought import Sought
from nexus_writer.subscribers.writer_thread import WriterThread
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until
from tests.session_scans import begin, publish, until

SESSION = "optional"
Maker = Callable[..., NexusSessionWriter]
Other = Callable[..., ServeProcess]


@pytest.fixture
def writer_of(redis_url: str) -> Iterator[Maker]:
    """Makes session writers with writer threads of their own, as if each had a host of its own."""
    with ExitStack() as stack:

        def make(*, standby: bool = False, device: str = "", **options: object) -> NexusSessionWriter:
            chosen = read_options({"required_disk_space": 0, "flush_period_s": 0.05, **options})
            thread = WriterThread()
            stack.callback(thread.stop)
            writer = NexusSessionWriter(
                SESSION, chosen, redis_url=redis_url, writer=thread, standby=standby, device=device
            )
            stack.callback(lambda: writer.shut_down(10))
            writer.start(wait=True, timeout=60)
            return writer

        yield make


@pytest.fixture
def other(redis_url: str, tmp_path: Path) -> Iterator[Other]:
    """Makes a writer in a process of its own: HDF5 shares a file that one process opens twice."""
    options = ("--required-disk-space", "0", "--flush-period-s", "0.05")
    with ExitStack() as stack:
        yield lambda *role: stack.enter_context(
            serving(SESSION, redis_url, tmp_path / "other", *options, *role)
        )


def is_in(writer: NexusSessionWriter, key: str, state: str, by: str) -> bool:
    statuses = [scan.status() for scan in writer.scans() if scan.key == key]
    return [(s.state, s.written_by) for s in statuses] == [(state, by)]


def knows(writer: NexusSessionWriter, key: str) -> bool:
    return any(scan.key == key for scan in writer.scans())


def name_of(process: ServeProcess) -> str:
    return f"{socket.gethostname()} (pid {process.process.pid})"


def is_begun(scan: ScanPublisher) -> bool:
    try:
        with h5py.File(scan.filename) as file:
            return "1.1/measurement/diode" in file
    except (OSError, KeyError, RuntimeError):  # in the middle of a flush
        return False


def points_of(scan: ScanPublisher) -> list[float]:
    with h5py.File(scan.filename) as file:
        entry = file[f"{scan.info['scan_nb']}.1"]
        assert entry["writer/status"].asstr()[()] == "SUCCEEDED"
        assert not [name for name in file if "unfinished" in name]
        return entry["measurement/diode"][()].tolist()


def test_a_standby_leaves_scans_to_the_active_writer(writer_of: Maker, sample: DatasetPublisher) -> None:
    standby, active = writer_of(standby=True), writer_of()
    scan = begin(sample)
    until(lambda: is_in(active, scan.key, "ON", active.name), "written")
    until(lambda: is_in(standby, scan.key, "ON", active.name), "heard of")
    assert standby.running() == []
    assert active.running() != []
    publish(scan, 2)
    scan.end()
    until(lambda: is_in(standby, scan.key, "OFF", active.name), "the end is heard of")
    shown = standby.scan(scan.key)
    assert shown.done()
    assert shown.uris == active.scan(scan.key).uris == [f"{scan.filename}::/1.1"]
    assert standby.statistics().finished == 1
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_without_an_active_one_a_standby_saves_it(writer_of: Maker, sample: DatasetPublisher) -> None:
    standby = writer_of(standby=True)
    scan = begin(sample, 5)
    until(lambda: is_in(standby, scan.key, "ON", standby.name), "taken")
    scan.end()
    until(lambda: standby.scan(scan.key).done(), "saved")
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_an_active_one_that_comes_back_answers_and_disturbs_nothing(
    writer_of: Maker, other: Other, sample: DatasetPublisher
) -> None:
    standby = other("--standby")
    scan = begin(sample)
    until(lambda: is_begun(scan), "taken")
    active = writer_of()
    until(lambda: is_in(active, scan.key, "ON", name_of(standby)), "heard of")
    assert active.scan(scan.key).has_write_permission()
    assert active.scan(scan.key).disk_space_error() == ""
    assert active.scan(scan.key).free_disk_space_mb() > 0
    publish(scan, 2)
    scan.end()
    until(lambda: is_in(active, scan.key, "OFF", name_of(standby)), "the end is heard of")
    later = begin(sample, 5)
    until(lambda: is_in(active, later.key, "ON", active.name), "the next one is its own")
    later.end()
    until(lambda: active.scan(later.key).done(), "saved")
    assert points_of(scan) == points_of(later) == [0, 1, 2, 3, 4]


def test_a_writer_that_is_asked_to_end_hands_over(
    writer_of: Maker, other: Other, sample: DatasetPublisher
) -> None:
    active = other()
    standby = writer_of(standby=True)
    scan = begin(sample)
    until(lambda: is_in(standby, scan.key, "ON", name_of(active)), "heard of")
    active.process.terminate()
    until(lambda: is_in(standby, scan.key, "ON", standby.name), "taken over")
    assert active.process.wait(60) == 0
    publish(scan, 2)
    scan.end()
    until(lambda: standby.scan(scan.key).done(), "saved")
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_who_may_not_write_a_file_leaves_it_to_others(
    writer_of: Maker, sample: DatasetPublisher, tmp_path: Path
) -> None:
    first = writer_of(standby=True, roots=(str(tmp_path / "elsewhere"),))
    scan = begin(sample, 5)
    until(lambda: is_in(first, scan.key, "FAULT", first.name), "refused")
    second = writer_of(standby=True)
    until(lambda: is_in(second, scan.key, "ON", second.name), "taken")
    scan.end()
    until(lambda: second.scan(scan.key).done(), "saved")
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_what_one_writers_disk_refuses_another_one_saves(
    writer_of: Maker, other: Other, sample: DatasetPublisher
) -> None:
    """The entry was begun, and is not complete: that is no end of the scan for all of them."""
    active, standby = other(), writer_of(standby=True)
    scan = begin(sample)
    until(lambda: is_in(standby, scan.key, "ON", name_of(active)), "heard of")
    until(lambda: is_begun(scan), "begun")
    resource.prlimit(active.process.pid, resource.RLIMIT_FSIZE, (16_000, 16_000))
    publish(scan, 2)
    until(lambda: is_in(standby, scan.key, "ON", standby.name), "taken over")
    scan.end()
    until(lambda: standby.scan(scan.key).done(), "saved")
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_redis_that_goes_away_after_a_lease_was_taken_keeps_nobody_from_it(
    writer_of: Maker, sample: DatasetPublisher, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    active, asked = writer_of(look_back_s=0), []  # found by its announcement alone
    outcome = active._crew.outcome

    def cut(sought: Sought) -> Outcome | None:
        asked.append(sought)
        if len(asked) == 1:
            raise redis.ConnectionError("cut")
        return outcome(sought)

    monkeypatch.setattr(active._crew, "outcome", cut)
    scan = begin(sample, 5)
    scan.end()
    until(lambda: len(asked) > 1, "asked again")
    until(lambda: knows(active, scan.key) and active.scan(scan.key).done(), "saved")
    path = str(scan.filename)
    until(lambda: held_leases(redis_client, SESSION, [path])[path] is None, "given back")


@pytest.mark.parametrize("what", ["stop", "kill"])
def test_a_scan_is_stopped_wherever_it_is_written(
    writer_of: Maker, other: Other, sample: DatasetPublisher, what: str
) -> None:
    standby = other("--standby")
    scan = begin(sample)
    until(lambda: is_begun(scan), "taken")
    active = writer_of()
    until(lambda: is_in(active, scan.key, "ON", name_of(standby)), "heard of")
    getattr(active.scan(scan.key), what)()
    until(lambda: is_in(active, scan.key, "FAULT", name_of(standby)), "stopped")
    assert "on request" in active.scan(scan.key).reason
    scan.end()


def test_who_is_there_is_told(writer_of: Maker, sample: DatasetPublisher, redis_client: redis.Redis) -> None:
    active, standby = writer_of(device="id00/nx/optional"), writer_of(standby=True)
    scan = begin(sample)
    until(lambda: is_in(standby, scan.key, "ON", active.name), "written")
    until(lambda: [p.record.running for p in present_writers(redis_client, SESSION)] == [1, 0], "counted")
    first, second = present_writers(redis_client, SESSION)
    assert (first.record.role, first.record.device) == ("active", "id00/nx/optional")
    assert first.record.files == (str(scan.filename),)
    assert (second.record.role, second.record.device) == ("standby", "")
    assert first.alive
    assert second.alive
    scan.end()
    until(lambda: standby.scan(scan.key).done(), "saved")
    assert standby.shut_down(10)
    assert [one.record.role for one in present_writers(redis_client, SESSION)] == ["active"]


def test_a_disk_that_hangs_takes_no_file_from_its_writer(
    writer_of: Maker, sample: DatasetPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread that writes is blocked, the heart of its process beats on."""
    active, standby = writer_of(), writer_of(standby=True)
    scan = begin(sample)
    until(lambda: is_in(standby, scan.key, "ON", active.name), "written")
    assert active._writer is not None
    blocked = active._writer.thread.apply_async(time.sleep, 2 * LIFETIME_S)
    publish(scan, 2)
    scan.end()
    until(blocked.ready, "free again")
    until(lambda: is_in(standby, scan.key, "OFF", active.name), "saved")
    assert "taken over" not in caplog.text
    assert points_of(scan) == [0, 1, 2, 3, 4]


def test_a_redis_that_hangs_takes_no_file_from_its_writer(tmp_path: Path) -> None:
    """All leases have expired when it goes on: their owners get them again, before anybody else may."""
    options = ("--required-disk-space", "0", "--flush-period-s", "0.05")
    with (
        EmbeddedRedis() as server,
        server.client() as client,
        serving(SESSION, server.url, tmp_path / "active", *options) as active,
        serving(SESSION, server.url, tmp_path / "standby", "--standby", *options) as standby,
    ):
        scan = begin(SessionPublisher(client, SESSION).dataset(tmp_path / "data", "hg123", "sample"))
        wait_until(lambda: is_begun(scan), "written")
        os.kill(server.pid, signal.SIGSTOP)
        wait_until(lambda: "Redis does not answer" in active.log.read_text(), "noticed")
        time.sleep(2 * LIFETIME_S)
        os.kill(server.pid, signal.SIGCONT)
        publish(scan, 2)
        scan.end()
        wait_until(lambda: entry_is_final(Path(scan.filename), "1.1"), "saved")
        assert active.stop() == standby.stop() == 0
        assert "taken over" not in standby.log.read_text()
        assert "left alone" not in active.log.read_text()
    assert points_of(scan) == [0, 1, 2, 3, 4]
    assert [path.name for path in Path(scan.filename).parent.glob("*.h5")] == [Path(scan.filename).name]
