"""``nexus-writer simulate``, as a user runs it: what its nodes sent is in the file, bit for bit."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer.cli.simulate import _ending_by_signals, beamline_from
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.pickles import loads
from nexus_writer.simulation import Simulation
from tests.sent_files import assert_as_sent, datasets, sent_scans
from tests.serve_process import entry_is_final, serving, wait_until

SIMULATE = [sys.executable, "-m", "nexus_writer", "simulate"]
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.1")
BEAMLINE = """
session: sim
seed: 7
pause_s: 0.01
motors: {samx: {position: -3.0, offset: 1.0}, samy: {}}
detectors:
  p201: {kind: counter, channels: {i0: {level: 100}, fluo: {level: 40, peak: 5000, at: {samx: [0.3, 0.2]}}}}
  fast: {kind: counters, channels: 3, rate_hz: 2000, dtype: int32}
  xrf: {kind: spectrum, bins: 64, ev_per_bin: 200, responding: [[6400, 900]], at: {samx: [0.3, 0.2]}}
  cam: {kind: camera, shape: [8, 16], rate_hz: 20, frames_per_file: 4}
  live: {kind: camera, shape: [8, 16], rate_hz: 20, save: false}
scans:
  - {type: ascan, motor: samx, start: 0, stop: 1, npoints: 11, count_time_s: 0.01, detectors: [p201, xrf]}
  - {type: amesh, motors: {samx: [0, 1, 5], samy: [0, 1, 4]}, count_time_s: 0.005, detectors: [p201]}
  - {type: timescan, duration_s: 0.5, detectors: [fast, cam, live]}
  - together:
      - {type: loopscan, npoints: 10, count_time_s: 0.02, detectors: [p201]}
      - {type: timescan, npoints: 20, count_time_s: 0.01, detectors: [fast]}
"""


def beamline(tmp_path: Path, text: str = BEAMLINE) -> Path:
    path = tmp_path / "beamline.yaml"
    path.write_text(text)
    return path


def only(scan: str) -> str:
    """The beamline with one scan."""
    return BEAMLINE.partition("scans:")[0] + f"scans:\n  - {scan}\n"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*SIMULATE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


def test_the_file_holds_what_the_nodes_sent(redis_url: str, tmp_path: Path) -> None:
    with serving("sim", redis_url, tmp_path, *OPTIONS):
        done = run(beamline(tmp_path), "--redis", redis_url, "--sent", tmp_path / "sent")
        assert done.returncode == 0, done.stderr
        scans = sent_scans(tmp_path / "sent")
        assert len(scans) == 5
        path = Path(scans[0]["filename"])
        wait_until(lambda: all(entry_is_final(path, f"{n}.1") for n in range(1, 6)), "the file")
    assert path.is_relative_to(tmp_path / "simulated_data")
    points = [assert_as_sent(sent) for sent in scans]
    for sent, count in zip(scans, points, strict=True):
        assert f"{sent['scan'].rpartition(':')[2]}  SUCCESS  {count} points" in done.stdout
    assert scans[2]["channels"]["fast:fast_2"]["points"] == 1000
    assert scans[2]["channels"]["cam:image"]["shape"] == [8, 16]
    with h5py.File(path) as file:
        fluo, i0 = (dict(datasets(file["1.1"]))[f"p201:{name}"][()] for name in ("fluo", "i0"))
        assert fluo.argmax() == 3
        assert abs(i0 - 100).max() < 80
        assert file["1.1/title"].asstr()[()] == "ascan samx 0.000 1.000 10 0.01"
        assert file["1.1/instrument/positioners_start/samx"][()] == -3.0
        assert file["1.1/instrument/positioners_end/samx"][()] == 1.0
        assert file["1.1/instrument/positioners_dial_end/samx"][()] == 0.0
        assert file["2.1/measurement/samy"][()].tolist() == [0] * 5 + [1 / 3] * 5 + [2 / 3] * 5 + [1] * 5


def test_ctrl_c_aborts_the_scan_and_saves_what_was_sent(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    text = only("{type: timescan, duration_s: 600, detectors: [fast, cam]}")
    file, sent_to = str(beamline(tmp_path, text)), tmp_path / "sent"
    command = [*SIMULATE, file, "--redis", redis_url, "--sent", str(sent_to)]
    command += ["--directory", str(tmp_path / "elsewhere")]

    def has_points(pattern: str) -> bool:
        return any(redis_client.xlen(key) for key in redis_client.scan_iter(pattern, count=1000))

    with serving("sim", redis_url, tmp_path, *OPTIONS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            wait_until(lambda: has_points("*timer:elapsed_time_data"), "points", 60)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == 130, errors
        assert "1_timescan  USER_ABORT" in output
        assert errors == "nexus-writer: ended by a signal, after 1 scans; the last was ended as USER_ABORT\n"
        (sent,) = sent_scans(sent_to)
        wait_until(lambda: entry_is_final(Path(sent["filename"]), "1.1"), "the file")
    assert Path(sent["filename"]).is_relative_to(tmp_path / "elsewhere")
    assert assert_as_sent(sent) > 0
    assert loads(redis_client.hget(f"{sent['scan']}_info", "state")) == "USER_ABORTED"


def test_a_mesh_of_any_size_fits_into_memory(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """8 TB of positions."""
    text = only(
        "{type: amesh, motors: {samx: [0, 1, 1000000], samy: [0, 1, 1000000]}, count_time_s: 0.001, "
        "detectors: [p201]}"
    )
    command = [*SIMULATE, str(beamline(tmp_path, text)), "--redis", redis_url]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(
            lambda: (
                process.poll() is not None
                or any(
                    redis_client.xlen(key) for key in redis_client.scan_iter("sim:*:samy_data", count=1000)
                )
            ),
            "positions",
            60,
        )
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, len(errors.splitlines())) == (130, 1), errors


def test_a_detector_that_fails_is_told(redis_url: str, tmp_path: Path) -> None:
    """Its second file cannot be made."""
    text = only("{type: timescan, duration_s: 60, detectors: [cam]}")
    images = tmp_path / "simulated_data" / "images"
    process = subprocess.Popen(
        [*SIMULATE, str(beamline(tmp_path, text)), "--redis", redis_url], stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: list(images.rglob("cam_*.h5")), "frames", 60)
        (path,) = list(images.rglob("cam_0000.h5"))
        for number in range(1, 310):
            (path.parent / f"cam_{number:04d}.h5").mkdir(exist_ok=True)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "1_timescan: cam: " in errors.splitlines()[-1]


@pytest.mark.parametrize("command", [["simulate", "beamline.yaml"], ["demo"]])
def test_without_its_extra_it_says_which(command: list[str], tmp_path: Path) -> None:
    program = "import sys; sys.modules['zmq'] = None; from nexus_writer.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "needs pyzmq: install the extra 'acquisition'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_memory_that_is_short_is_one_line(tmp_path: Path) -> None:
    """A camera of 33 million pixels with 600 MB."""
    text = BEAMLINE.replace("shape: [8, 16], rate_hz: 20, frames_per_file: 4", "shape: [4096, 8192]")
    scan = "{type: loopscan, npoints: 1, detectors: [cam]}"
    file = beamline(tmp_path, f"{text.partition('scans:')[0]}scans: [{scan}]")
    process = subprocess.Popen(
        [*SIMULATE, str(file), "--redis", "redis://127.0.0.1:1/1"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    resource.prlimit(process.pid, resource.RLIMIT_AS, (600_000_000, 600_000_000))
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert "give smaller cameras" in errors


def test_a_redis_that_goes_away_is_one_line(tmp_path: Path) -> None:
    with EmbeddedRedis() as server:
        text = only("{type: timescan, duration_s: 0.2, detectors: [fast]}") + "repeat: 2\n"
        text = text.replace("pause_s: 0.01", "pause_s: 5")
        command = [*SIMULATE, str(beamline(tmp_path, text)), "--redis", server.url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("1_timescan  SUCCESS")
            server.kill()
            _, errors = process.communicate(timeout=100)
        finally:
            process.kill()
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("nexus-writer: ")
    assert "Traceback" not in errors


def test_the_second_ctrl_c_waits_for_nothing(tmp_path: Path) -> None:
    simulation = Simulation(beamline_from(beamline(tmp_path)))
    with _ending_by_signals(simulation):
        signal.raise_signal(signal.SIGINT)
        assert simulation.aborted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_a_pipe_that_is_closed_ends_it_quietly(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    text = only("{type: loopscan, npoints: 5, count_time_s: 0.01, detectors: [fast]}") + "repeat: 100000\n"
    command = [*SIMULATE, str(beamline(tmp_path, text)), "--redis", redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            assert process.stdout.readline().startswith("1_loopscan  SUCCESS")
            process.stdout.close()
            assert process.wait(timeout=60) == 1
            assert process.stderr.read() == ""
        finally:
            process.kill()
    (scan,) = redis_client.scan_iter("sim:*:1_loopscan", count=10_000)
    assert redis_client.ttl(scan) > 0


def test_the_example_is_printed() -> None:
    done = run("--example")
    assert done.returncode == 0
    assert "detectors:" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "simulate needs a FILE.yaml: `nexus-writer simulate --example` prints one"),
        (("none.yaml",), "none.yaml cannot be read: No such file or directory"),
        (("beamline.yaml", "--redis", "redis://127.0.0.1:1/1"), "redis://127.0.0.1:1/1"),
        (("beamline.yaml", "--sent", "/proc/sent"), "--sent /proc/sent cannot be made"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beamline(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_frames_that_cannot_be_saved_are_told_without_a_traceback(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "simulated_data").mkdir()
    (tmp_path / "simulated_data/images").write_text("a file")
    text = only("{type: loopscan, npoints: 2, count_time_s: 0.01, detectors: [cam]}")
    done = run(beamline(tmp_path, text), "--redis", redis_url)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("nexus-writer: 1_loopscan: cam: [Errno 20] Not a directory")
    assert all(line.startswith("nexus-writer: ") for line in lines)


def test_a_directory_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    path = beamline(tmp_path, only("{type: loopscan, npoints: 2, detectors: [fast]}"))
    done = run(path, "--redis", "redis://127.0.0.1:1/1", "--directory", path)
    assert done.returncode == 2
    assert done.stderr == f"nexus-writer: {path} is no directory: give another one by --directory\n"
