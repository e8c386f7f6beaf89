"""``nexus-writer rebuild``: from Redis alone comes the file that the writer made."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from nexus_writer.data.recording import Recording, replay
from nexus_writer.hdf5.manifest_check import manifest_rows
from tests.cli.test_app import run
from tests.compare_files import compare_trees
from tests.integration.test_replays import RECORDED_ROOT, expected_entries, put_camera_files
from tests.serve_process import entry_is_final, serving, wait_until

COUNTERS = DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))
OF_THE_RUN = (
    r"/writer/(start_time|end_time|date|host|author)",
    r"@?file_name",
    r"masters?",
    r"^/@default ",
    r"/writer/(points|manifest)/\w+ values",  # rows stand in the order of the channels' first points
)


def rows_by_name(entry: h5py.Group) -> dict[str, list[Any]]:
    """What is counted of each channel, and digested of each dataset."""
    points = entry["writer/points"]
    rows: dict[str, list[Any]] = {}
    if "channel" in points:
        columns = [points[name][()].tolist() for name in ("key", "expected", "committed", "received")]
        names = points["channel"].asstr()[()].tolist()
        rows = {name: list(row) for name, *row in zip(names, *columns, strict=True)}
        for row, *missing in points["missing"][()].tolist() if "missing" in points else ():
            rows[names[row]].append(missing)
    for row in manifest_rows(entry) or ():
        rows[row.path] = [row]
    return rows


@pytest.mark.parametrize(
    "scenario", ["loopscan10", "mca", "sequence", "strings", "lima_two", "timescan_abort"]
)
def test_recorded_session_is_rebuilt_as_it_was_written(
    scenario: str, captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / scenario)
    reference, saved, again = captures / scenario / "files", tmp_path / "saved", tmp_path / "again"
    put_camera_files(reference, saved)
    entries = expected_entries(reference)
    with serving(recording.session, redis_url, tmp_path, "--path-map", f"{RECORDED_ROOT}={saved}"):
        replay(recording, redis_client)
        for path, entry in entries:
            wait_until(lambda p=path, e=entry: entry_is_final(saved / p, e), f"{path}::/{entry}")  # type: ignore[misc]
    before = {path: path.read_bytes() for path in saved.rglob("*.h5")}
    arguments = ("--redis", redis_url, "--output", str(again), "--path-map", f"{RECORDED_ROOT}={saved}")
    result = run("rebuild", recording.session, *arguments)
    assert len(result.stderr.splitlines()) <= 1, result.stderr
    assert {path: path.read_bytes() for path in saved.rglob("*.h5")} == before
    made = {path.name: path for path in again.rglob("*.h5")}
    for path, entry in entries:
        with h5py.File(saved / path) as one, h5py.File(made[path.name]) as other:
            assert other[entry]["writer/status"][()] == one[entry]["writer/status"][()]
            assert rows_by_name(one[entry]) == rows_by_name(other[entry])
            links = one[f"{entry}/measurement"] if "measurement" in one[entry] else {}
            for name in links:
                first, second = one[f"{entry}/measurement/{name}"], other[f"{entry}/measurement/{name}"]
                assert first.dtype == second.dtype
                assert np.array_equal(first[()], second[()], equal_nan=first.dtype.kind == "f"), name
    if len(made) == 1 and scenario != "lima_two":
        only = tmp_path / "only"
        only.mkdir()
        shutil.copy(saved / entries[0][0], only / next(iter(made)))
        report = compare_trees(only, again, tolerate=OF_THE_RUN)
        assert report.recall == 1.0, report.misses


def test_one_scan_of_two_that_still_runs(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    dataset = SessionPublisher(redis_client, "s").dataset(tmp_path / "data", "hg123", "sample")
    for npoints in (3, 4):
        scan = dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=npoints))
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(npoints, dtype=float))
        scan.flush()
    result = run("rebuild", scan.key, "--redis", redis_url, "--output", str(tmp_path / "new"))
    assert result.returncode == 1
    assert "before the scan ended" in result.stdout
    (path,) = (tmp_path / "new").glob("*.h5")
    assert path.name == dataset.policy.filename.name
    with h5py.File(path) as file:
        assert list(file) == ["2.1"]
        assert file["2.1/measurement/diode"][()].tolist() == [0, 1, 2, 3]
    again = run("rebuild", scan.key, "--redis", redis_url, "--output", str(tmp_path / "new"))
    assert again.returncode == 1
    assert "has 2.1 already" in again.stdout
    assert not dataset.policy.filename.exists()


def test_a_second_time_leaves_what_is_there(
    captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / "loopscan10")
    replay(recording, redis_client, speed=0)
    arguments = ("rebuild", recording.session, "--redis", redis_url, "--output", str(tmp_path / "new"))
    assert run(*arguments).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.h5")}
    result = run(*arguments)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert lines
    assert all(line.endswith("already, it was not touched: give another directory") for line in lines)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.h5")} == before


def test_scan_whose_data_have_expired(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    dataset = SessionPublisher(redis_client, "s").dataset(tmp_path / "data", "hg123", "sample")
    with dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=1)) as scan:
        scan.prepare()
    for key in redis_client.scan_iter(f"{scan.key}:*"):
        redis_client.delete(key)
    result = run("rebuild", "s", "--redis", redis_url, "--output", str(tmp_path / "new"))
    assert result.returncode == 1
    assert "not in Redis any more" in result.stdout
    assert not list((tmp_path / "new").rglob("*.h5"))


def test_unknown_name_is_one_line(redis_url: str, tmp_path: Path) -> None:
    result = run("rebuild", "nobody", "--redis", redis_url, "--output", str(tmp_path))
    assert result.returncode == 1
    assert "Redis holds no scans of nobody" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
