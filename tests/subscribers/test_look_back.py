"""Scans that began, or ended, before their writer was started."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, ScanSpec, timer
from nexus_writer.subscribers import NexusSessionWriter, SubscriberState
from tests.session_scans import COUNTERS, finished, reading, run_scan, saved, until, until_points

Maker = Callable[..., NexusSessionWriter]
SPEC = ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan 4", npoints=4)


def diode(path: str | Path, entry: str = "1.1") -> list[float]:
    with reading(Path(path)) as file:
        return list(file[f"{entry}/measurement/diode"][()].tolist())


@contextmanager
def two_points(sample: DatasetPublisher) -> Iterator[ScanPublisher]:
    """A scan of which two points of one channel are published; it ends behind the block."""
    with sample.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(2.0))
        scan.flush()
        yield scan


def test_a_scan_that_has_ended_is_saved(writer_with: Maker, sample: DatasetPublisher) -> None:
    scan = run_scan(sample)
    saved(writer_with(), scan.key)
    assert diode(scan.filename) == [0, 1, 2, 3, 4]


def test_a_scan_that_runs_is_saved_and_followed(writer_with: Maker, sample: DatasetPublisher) -> None:
    with two_points(sample) as scan:
        writer = writer_with()
        until_points(writer, scan.key, 2)
        scan["ctl:diode"].publish(np.arange(2.0, 4.0))
    saved(writer, scan.key)
    assert diode(scan.filename) == [0, 1, 2, 3]


def test_complete_scans_are_left_alone_in_silence(
    writer_with: Maker, sample: DatasetPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    scan = run_scan(sample)
    first = writer_with()
    saved(first, scan.key)
    assert first.shut_down(10)
    before = Path(scan.filename).read_bytes()
    with caplog.at_level(logging.INFO):
        second = writer_with()
        run = run_scan(sample)
        saved(second, run.key)
    assert [one.key for one in second.scans()] == [run.key]
    assert not [record for record in caplog.records if scan.key in record.getMessage()]
    assert len(before) < Path(scan.filename).stat().st_size
    assert diode(scan.filename) == [0, 1, 2, 3, 4]


def test_nobody_looks_back_without_the_option(writer_with: Maker, sample: DatasetPublisher) -> None:
    old = run_scan(sample)
    writer = writer_with(look_back_s=0)
    new = run_scan(sample)
    saved(writer, new.key)
    assert [one.key for one in writer.scans()] == [new.key]
    with reading(Path(new.filename)) as file:
        assert "1.1" not in file
        assert "2.1" in file
    assert old.filename == new.filename


def test_scans_that_ended_too_long_ago_are_left_alone(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    old = run_scan(sample)
    entry = redis_client.xrange(f"{old.key}_end")[0][1]
    seconds, _ = redis_client.time()
    redis_client.delete(f"{old.key}_end")
    redis_client.xadd(f"{old.key}_end", entry, id=f"{(seconds - 120) * 1000}-0")
    recent = run_scan(sample)
    writer = writer_with(look_back_s=60)
    saved(writer, recent.key)
    assert [one.key for one in writer.scans()] == [recent.key]


def test_scans_of_other_writers_are_left_alone(writer_with: Maker, sample: DatasetPublisher) -> None:
    run_scan(sample, data_writer="hdf5")
    run_scan(sample, save=False)
    mine = run_scan(sample)
    writer = writer_with()
    saved(writer, mine.key)
    assert [one.key for one in writer.scans()] == [mine.key]


def test_an_entry_of_somebody_else_is_never_touched(
    writer_with: Maker, sample: DatasetPublisher, caplog: pytest.LogCaptureFixture
) -> None:
    path = sample.policy.filename
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file["1.1/precious"] = 42
    run_scan(sample)
    writer = writer_with()
    second = run_scan(sample)
    saved(writer, second.key)
    assert [one.key for one in writer.scans()] == [second.key]
    with reading(path) as file:
        assert sorted(file) == ["1.1", "2.1"]
        assert list(file["1.1"]) == ["precious"]


def test_a_writer_that_was_stopped_in_order_goes_on(writer_with: Maker, sample: DatasetPublisher) -> None:
    first = writer_with()
    with two_points(sample) as scan:
        until_points(first, scan.key, 2)
        assert first.shut_down(10)
        with reading(Path(scan.filename)) as file:
            assert file["1.1/writer/status"].asstr()[()] == "FAILED"
            assert "before the scan ended" in file["1.1/writer/unfinished"].asstr()[()]
        second = writer_with()
        scan["ctl:diode"].publish(np.arange(2.0, 4.0))
    saved(second, scan.key)
    with reading(Path(scan.filename)) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3]
        note = file["1.1/writer"]
        assert note["status"].asstr()[()] == "SUCCEEDED"
        assert "unfinished" not in note
        assert "resumed" in note
        assert list(file) == ["1.1"]


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_scan_that_an_operator_ended_stays_ended(
    how: str, writer_with: Maker, sample: DatasetPublisher
) -> None:
    first = writer_with()
    with two_points(sample) as scan:
        until_points(first, scan.key, 2)
        getattr(first.scan(scan.name), how)()
        finished(first, scan.key)
        assert first.shut_down(10)
        second = writer_with()
        other = run_scan(sample)
        saved(second, other.key)
    assert [one.key for one in second.scans()] == [other.key]
    assert diode(scan.filename) == [0, 1]


def test_a_damaged_file_is_left_alone_and_the_scan_rebuilt_beside_it(
    writer_with: Maker, sample: DatasetPublisher
) -> None:
    path = sample.policy.filename
    first = writer_with()
    with two_points(sample) as scan:
        until_points(first, scan.key, 2)
        assert first.shut_down(10)
        damaged = b"\x00" * 4096 + path.read_bytes()[4096:]
        path.write_bytes(damaged)
        second = writer_with()
        scan["ctl:diode"].publish(np.arange(2.0, 4.0))
    writer = saved(second, scan.key)
    side = path.with_stem(f"{path.stem}_rebuilt")
    assert path.read_bytes() == damaged
    assert writer.uris == [f"{side}::/1.1"]
    assert diode(side) == [0, 1, 2, 3]
    with reading(side) as file:
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert "no HDF5 file" in warning
        assert str(side) in warning
    with reading(path.parent.parent / "hg123_sample.h5") as file:
        assert file.get("sample_0001_rebuilt_1.1", getlink=True).filename == f"sample_0001/{side.name}"
    assert second.shut_down(10)
    third = writer_with()  # and that is found complete there
    saved(third, run_scan(sample).key)
    assert len(third.scans()) == 1


def test_a_gap_stays_a_gap_when_a_writing_is_gone_on_with(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    """Points 1 were lost before the first writer came, points 3 between the two."""
    with sample.scan(SPEC) as scan:
        scan.prepare()
        channel = scan["ctl:diode"]
        for value in (0.0, 1.0, 2.0):
            channel.publish(value)
        scan.flush()
        stream = next(key for key in redis_client.keys(f"{scan.key}*diode_data"))
        redis_client.xdel(stream, "2-0")
        first = writer_with()
        until(lambda: any(one.status().progress.points == 3 for one in first.scans()), "three points")
        assert first.shut_down(10)
        channel.publish(3.0)
        channel.publish(4.0)
        scan.flush()
        redis_client.xtrim(stream, minid="5-0", approximate=False)
    second = writer_with()
    scan_writer = finished(second, scan.key)
    assert scan_writer.state is SubscriberState.FAULT
    assert "points 1 to 1, 3 to 3 never came" in scan_writer.reason
    with reading(Path(scan.filename)) as file:
        np.testing.assert_array_equal(file["1.1/measurement/diode"], [0, np.nan, 2, np.nan, 4])
        report = file["1.1/writer/points"]
        row = report["channel"].asstr()[()].tolist().index("ctl:diode")
        assert report["missing"][()].tolist() == [[row, 1, 1], [row, 3, 3]]
        assert report["received"][row] == 3


def test_channels_that_redis_has_forgotten_keep_their_points(
    writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    first = writer_with()
    with sample.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(4.0))
        scan["ctl:flag"].publish(np.arange(3))
        scan.flush()
        until(lambda: any(one.status().progress.points == 7 for one in first.scans()), "seven points")
        assert first.shut_down(10)
    for key in redis_client.keys(f"{scan.key}*diode*"):
        redis_client.delete(key)
    saved(writer_with(), scan.key)
    with reading(Path(scan.filename)) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3]
        assert file["1.1/measurement/diode"].attrs["units"] == "V"
        assert list(file) == ["1.1"]


def test_a_scan_that_falls_silent_is_given_up_and_gone_on_with(
    writer_with: Maker, sample: DatasetPublisher
) -> None:
    writer = writer_with(silence_s=1.5)
    with two_points(sample) as scan:
        silent = finished(writer, scan.key)
        assert silent.state is SubscriberState.OFF
        assert "silent" in silent.reason
        assert writer.running() == []
        path = Path(scan.filename)
        with h5py.File(path, "r+") as file:  # nobody holds it
            assert file["1.1/writer/status"].asstr()[()] == "FAILED"
            assert "silent" in file["1.1/writer/unfinished"].asstr()[()]
            assert file["1.1/measurement/diode"][()].tolist() == [0, 1]
        scan["ctl:diode"].publish(np.arange(2.0, 4.0))
        scan.flush()
        until(lambda: writer.scan(scan.key) is not silent, "gone on with")
    saved(writer, scan.key)
    assert diode(scan.filename) == [0, 1, 2, 3]


def test_a_silent_scan_is_not_forgotten(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(silence_s=1.1, purge_after_s=0)
    with sample.scan(SPEC) as scan:
        scan.prepare()
        until(lambda: writer._scans and writer.running() == [], "silent")
        gevent.sleep(0.1)
        assert [one.key for one in writer.scans()] == [scan.key]
