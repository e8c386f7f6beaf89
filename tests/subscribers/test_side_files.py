"""A session whose file another process has open for writing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import DatasetPublisher, ScanSpec, timer
from nexus_writer.data.unread import Unread
from nexus_writer.subscribers import NexusSessionWriter, SubscriberState
from nexus_writer.subscribers.patience import AFTER_ANOTHER, Patience
from nexus_writer.subscribers.scan_consumer import ScanConsumer
from tests.hdf5.processes import running_python
from tests.session_scans import (
    COUNTERS,
    begin,
    finished,
    links_in,
    publish,
    reading,
    run_scan,
    saved,
    until,
    until_points,
)
from tests.waiting import allowed_s

Maker = Callable[..., NexusSessionWriter]
SPEC = ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan", npoints=0)
LINK = {"1.1": ("sample_0001_beside.h5", "/1.1")}
HOLDS = """
    import h5py, sys
    files = [h5py.File(path, "a") for path in sys.argv[1:]]
    for file in files:
        file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(*paths: Path) -> Iterator[None]:
    """Another process has these files open for writing."""
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    with running_python(HOLDS, *paths):
        yield


@pytest.fixture
def path(sample: DatasetPublisher) -> Path:
    return sample.policy.filename


@pytest.fixture
def side(path: Path) -> Path:
    return path.with_stem(f"{path.stem}_beside")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Links that wait are tried all the time."""
    monkeypatch.setattr("nexus_writer.subscribers.writer_thread.LINK_AFTER_S", 0.1)
    monkeypatch.setattr("nexus_writer.layout.side_links.RETRY_EVERY_S", 0.1)


def diode(path: Path) -> list[float]:
    with reading(path) as file:
        return list(file["1.1/measurement/diode"][()].tolist())


def linked(path: Path) -> dict[str, tuple[str, str]]:
    """Of a file that may just be written."""
    try:
        return links_in(path)
    except (OSError, RuntimeError, KeyError):
        return {}


def test_patience() -> None:
    patience = Patience(10, 500)
    assert not patience.is_over(9.9, Unread(most=499, fill=0.24))
    assert patience.is_over(10, Unread())
    assert patience.is_over(0, Unread(most=500))
    assert patience.is_over(0, Unread(most=30, fill=0.6))
    assert Patience(0).is_over(0, Unread())
    assert AFTER_ANOTHER.is_over(0.25, Unread())
    assert Patience(0, 500).is_over(0, Unread())
    assert Patience(10, 0).is_over(0, Unread())


def test_a_holder_that_goes_in_time_leaves_no_side_file(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    writer = writer_with()
    with held(path):
        scan = run_scan(sample)
        until(lambda: any("is open for writing in python" in one.reason for one in writer.scans()), "told")
        assert "the scan waits in Redis" in writer.scan(scan.key).reason
        assert writer.scan(scan.key).state is SubscriberState.ON
    assert saved(writer, scan.key).uris == [f"{path}::/1.1"]
    assert "open for writing" not in writer.scan(scan.key).reason
    assert not side.exists()


@pytest.mark.usefixtures("soon")
def test_a_holder_that_stays_for_too_long(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    writer = writer_with(wait_for_file_s=0.5)
    with held(path):
        began_s = time.monotonic()
        scan = saved(writer, run_scan(sample).key)
        assert 0.4 < time.monotonic() - began_s < allowed_s(0.5)
        assert scan.uris == [f"{side}::/1.1"]
        assert any(f"saved in {side}" in text for text in scan.status().progress.warnings)
    until(lambda: linked(path) == LINK, "linked")
    assert diode(side) == [0, 1, 2, 3, 4]


def test_a_scan_that_fills_redis_waits_no_longer(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    """What was received already does not count: it is safe in memory."""
    writer = writer_with(wait_for_file_s=60, side_file_after_entries=100, queue_size=1)
    with held(path), sample.scan(SPEC) as scan:
        scan.prepare()
        until(lambda: any("is open for writing" in one.reason for one in writer.scans()), "waits")
        for value in range(400):
            scan["ctl:diode"].publish(float(value))
            if value % 10 == 0:
                scan.flush()
                until(lambda: True, "others run")
        scan.flush()
        until(lambda: writer.scan(scan.key).uris == [f"{side}::/1.1"], "saved beside it")
    saved(writer, scan.key)
    assert diode(side) == list(range(400))


@pytest.mark.usefixtures("soon")
def test_a_file_that_is_locked_while_it_is_opened_anew_is_waited_for_no_longer_than_another(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write failed, the file was given back, and somebody else was faster."""
    writer = writer_with(wait_for_file_s=0.5)
    scan = begin(sample)
    until_points(writer, scan.key, 6)
    writing = writer.scan(scan.key)
    reopen = ScanConsumer.reopen
    with ExitStack() as stack:

        def reopen_late(consumer: ScanConsumer, *args: Any, **options: Any) -> None:
            if not holds:
                holds.append(stack.enter_context(held(path)))
            reopen(consumer, *args, **options)

        holds: list[object] = []
        monkeypatch.setattr(ScanConsumer, "reopen", reopen_late)
        writing._writer.thread.apply(lambda: writing._consumer._file._file.poison("Input/output error"))
        publish(scan, 2)
        scan.end()
        assert saved(writer, scan.key).uris == [f"{side}::/1.1"]
        assert diode(side) == [0, 1, 2, 3, 4]
    until(lambda: linked(path) == LINK, "linked")


def test_without_patience(writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path) -> None:
    writer = writer_with(wait_for_file_s=0)
    with held(path):
        assert saved(writer, run_scan(sample).key).uris == [f"{side}::/1.1"]


def test_a_scan_that_is_stopped_while_it_waits_is_saved_beside(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    writer = writer_with()
    with held(path), sample.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(3.0))
        scan.flush()
        until(lambda: any("is open for writing" in one.reason for one in writer.scans()), "waits")
        writer.scan(scan.key).stop()
        assert finished(writer, scan.key).uris == [f"{side}::/1.1"]
        assert diode(side) == [0, 1, 2]


def test_a_scan_that_is_killed_while_it_waits_is_not_saved(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    writer = writer_with()
    with held(path), sample.scan(SPEC) as scan:
        scan.prepare()
        until(lambda: any("is open for writing" in one.reason for one in writer.scans()), "waits")
        writer.scan(scan.key).kill()
        assert "stopped while waiting for the file" in finished(writer, scan.key).reason
    assert not side.exists()


def test_a_writer_that_ends_while_it_waits_leaves_nothing_behind(
    writer_with: Maker, sample: DatasetPublisher, path: Path, side: Path
) -> None:
    """What Redis has goes beside; the next writer goes on with it there, and links it."""
    first = writer_with()
    with sample.scan(SPEC) as scan:
        with held(path):
            scan.prepare()
            scan["ctl:diode"].publish(np.arange(3.0))
            scan.flush()
            until(lambda: any("is open for writing" in one.reason for one in first.scans()), "waits")
            assert first.shut_down(10)
            assert diode(side) == [0, 1, 2]
        second = writer_with()
        scan["ctl:diode"].publish(np.arange(3.0, 5.0))
    assert saved(second, scan.key).uris == [f"{side}::/1.1"]
    assert links_in(path) == LINK
    assert diode(side) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("removed", [False, True], ids=["link", "file and links"])
def test_a_writer_that_starts_makes_the_links_that_the_last_one_could_not(
    removed: bool, writer_with: Maker, sample: DatasetPublisher, path: Path, tmp_path: Path
) -> None:
    """To a complete scan: in its own file, and in the masters, which may even be gone."""
    masters = [path.parent.parent / "hg123_sample.h5", path.parents[2] / "hg123_id00.h5"]
    first = writer_with(wait_for_file_s=0)
    with held(path, *masters):
        saved(first, run_scan(sample).key)
        assert first.shut_down(10)
    if removed:
        for master in masters:
            master.unlink()
    writer = writer_with()
    until(lambda: all(linked(one) for one in (path, *masters)), "linked")
    assert writer.scans() == []
    assert linked(path) == LINK
    assert linked(masters[0]) == {"sample_0001_1.1": ("sample_0001/sample_0001_beside.h5", "/1.1")}
    assert linked(masters[1]) == {"sample_0001_1.1": ("sample/sample_0001/sample_0001_beside.h5", "/1.1")}


def test_a_complete_scan_is_not_saved_again(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis, path: Path, side: Path
) -> None:
    first = writer_with(wait_for_file_s=0)
    with held(path):
        saved(first, run_scan(sample).key)
    assert first.shut_down(10)
    before = side.read_bytes()
    second = writer_with()
    other = run_scan(sample)
    saved(second, other.key)
    assert [one.key for one in second.scans()] == [other.key]
    assert side.read_bytes() == before
    assert linked(path) == LINK
