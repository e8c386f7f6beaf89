"""``nexus-writer verify``: finds what lacks, and nothing where all is there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, sampling, timer
from nexus_writer.data.recording import Recording, replay
from tests.cli.test_app import run
from tests.integration.test_replays import RECORDED_ROOT, SCENARIOS, expected_entries, put_camera_files
from tests.serve_process import entry_is_final, serving, wait_until

DEVICES = DeviceSpec(
    "ctl",
    (
        ChannelSpec("diode", np.float64),
        ChannelSpec("text", str),
        ChannelSpec("spectrum", np.int32, (4,)),
        ChannelSpec("flag", np.bool_),
        sampling("sampled"),
    ),
)


SHORT = ("amesh", "strings", "dtypes", "lima_two")


@pytest.mark.parametrize(
    "scenario", [name if name in SHORT else pytest.param(name, marks=pytest.mark.full) for name in SCENARIOS]
)
def test_recorded_sessions_are_whole(
    scenario: str, captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / scenario)
    reference, saved = captures / scenario / "files", tmp_path / "saved"
    put_camera_files(reference, saved)
    entries = expected_entries(reference)
    with serving(recording.session, redis_url, tmp_path, "--path-map", f"{RECORDED_ROOT}={saved}"):
        replay(recording, redis_client)
        for path, entry in entries:
            wait_until(lambda p=path, e=entry: entry_is_final(saved / p, e), f"{path}::/{entry}")  # type: ignore[misc]
    for path in dict.fromkeys(path for path, _ in entries):
        result = run("verify", str(saved / path), "--redis", redis_url, "--json")
        assert result.returncode == 0, result.stdout + result.stderr
        reports = json.loads(result.stdout)
        assert all("compared with Redis" in " ".join(report["notes"]) for report in reports)


@pytest.fixture
def path(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> Path:
    """A file with a scan of 6 points of four kinds, that Redis still holds."""
    dataset = SessionPublisher(redis_client, "v").dataset(tmp_path / "data", "hg123", "sample")
    path = dataset.policy.filename
    with serving("v", redis_url, tmp_path / "writer"):
        with dataset.scan(ScanSpec("loopscan", (timer(DEVICES),), npoints=6)) as scan:
            scan.prepare()
            scan["ctl:diode"].publish(np.array([0, np.nan, np.inf, -0.0, 1 / 3, 5]))
            scan["ctl:text"].publish(np.array(list("abcdeé"), dtype=object))
            scan["ctl:spectrum"].publish(np.arange(24, dtype=np.int32).reshape(6, 4))
            scan["ctl:flag"].publish(np.arange(6) % 2 == 0)
            scan["ctl:sampled"].publish(np.arange(6.0))
        wait_until(lambda: entry_is_final(path, "1.1"), "saved")
    return path


def data_path(file: h5py.File, name: str) -> str:
    return str(file[f"1.1/measurement/{name}"].name)


def change_bit(file: h5py.File) -> None:
    file["1.1/measurement/diode"][3] = 0.0  # was -0.0


def change_text(file: h5py.File) -> None:
    file["1.1/measurement/text"][5] = "e"


def change_flag(file: h5py.File) -> None:
    file["1.1/measurement/flag"][2] = False


def change_spectrum(file: h5py.File) -> None:
    file["1.1/measurement/spectrum"][4, 1] += 1


def cut_dataset(file: h5py.File) -> None:
    file["1.1/measurement/diode"].resize((4,))


def remove_dataset(file: h5py.File) -> None:
    name = file["1.1/measurement"].get("diode", getlink=True).path
    del file[name]


def lose_source(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), np.float64)
    layout[:] = h5py.VirtualSource("gone.h5", "data", (3,))
    file["1.1"].create_virtual_dataset("frames", layout)


def lose_link(file: h5py.File) -> None:
    file["1.1/plot"] = h5py.SoftLink("/9.1/nothing")
    file["1.1/other"] = h5py.ExternalLink("gone.h5", "/1.1")


def leave_running(file: h5py.File) -> None:
    del file["1.1/writer/status"]
    file["1.1/writer/status"] = "RUNNING"


def note_a_gap(file: h5py.File) -> None:
    file["1.1/writer/points/missing"] = np.array([[0, 2, 3]])


HARMS_IN_POINTS = [
    (change_bit, "point 3 differs"),
    (change_text, "point 5 differs"),
    (change_flag, "point 2 differs"),
    (change_spectrum, "point 4 differs"),
]
OTHER_HARMS = [
    (cut_dataset, "6 points were committed, its shape is (4,)"),
    (remove_dataset, "there is no dataset"),
    (lose_source, "the source gone.h5::data lacks"),
    (lose_link, "its link leads nowhere: /9.1/nothing"),
    (lose_link, "its link leads nowhere: gone.h5::/1.1"),
    (leave_running, "its writing is RUNNING"),
    (note_a_gap, "points 2 to 3 never came"),
]


def test_a_dataset_that_has_another_name_too_is_in_the_manifest(path: Path) -> None:
    """``data`` of a sampling counter is a link to ``signal``."""
    with h5py.File(path) as file:
        [sampled] = [item for name, item in file["1.1/instrument"].items() if "sampled" in name]
        assert sampled.get("data", getlink=True).path == "signal"
    result = run("verify", str(path))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "datasets as in the manifest" in result.stdout
    assert "not in the manifest" not in result.stdout


def test_what_is_wrong_is_found(path: Path, redis_url: str, tmp_path: Path) -> None:
    assert run("verify", f"{path}::/1.1", "--redis", redis_url).returncode == 0
    harms: list[tuple[Callable[[h5py.File], None], str]] = [*HARMS_IN_POINTS, *OTHER_HARMS]
    for harm, says in harms:
        harmed = Path(shutil.copy(path, tmp_path / "harmed.h5"))
        with h5py.File(harmed, "r+") as file:
            harm(file)
        with_redis = ("--redis", redis_url) if (harm, says) in HARMS_IN_POINTS else ()
        result = run("verify", str(harmed), *with_redis)
        assert result.returncode == 1, says
        assert says in result.stdout
        assert "1 of 1 entries are not whole" in result.stderr


def test_scan_that_redis_holds_no_more(path: Path, redis_url: str, redis_client: redis.Redis) -> None:
    redis_client.flushall()
    result = run("verify", str(path), "--redis", redis_url)
    assert result.returncode == 0
    assert "Redis holds the scan no more" in result.stdout


@pytest.mark.parametrize(
    ("target", "says"), [("{none}", "No such file"), ("{path}::/9.1", "has no entry 9.1")]
)
def test_mistake_is_one_line(tmp_path: Path, target: str, says: str) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file.create_group("1.1")
    result = run("verify", target.format(none=tmp_path / "none.h5", path=path))
    assert result.returncode == 1
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
