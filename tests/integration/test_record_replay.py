"""A session is recorded while it runs; its replay gives the same file."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanSpec,
    SessionPublisher,
    timer,
)
from nexus_writer.data.recording import Recording
from tests.cli.test_app import run
from tests.compare_files import compare_trees
from tests.serve_process import entry_is_final, serving, wait_until

SESSION = "recorded"
COUNTERS = DeviceSpec("ctl", (ChannelSpec("diode", np.float64, unit="V"), ChannelSpec("text", str)))
MCA = DeviceSpec("mca", (ChannelSpec("spectrum", np.uint32, (16,)),))


@pytest.fixture(autouse=True)
def no_delay(redis_client: redis.Redis) -> None:
    """A server waits 5 s for more replicas before it begins."""
    redis_client.config_set("repl-diskless-sync-delay", 0)


@contextmanager
def recording(redis_url: str, path: Path, session: str = SESSION) -> Iterator[subprocess.Popen[str]]:
    """A recorder that has begun; it ends with the block, as by Ctrl-C."""
    command = [sys.executable, "-m", "nexus_writer", "record", session, str(path), "--redis", redis_url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"recording {session}"), line or process.communicate()
        yield process
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "commands" in output
    finally:
        process.kill()
        process.communicate()


def publish(dataset: DatasetPublisher, npoints: int) -> None:
    """A scan with numbers, texts and spectra."""
    with dataset.scan(ScanSpec("loopscan", (timer(COUNTERS, MCA),), npoints=npoints)) as scan:
        scan.prepare()
        for point in range(npoints):
            scan["ctl:diode"].publish(point / 3)
            scan["ctl:text"].publish(f"pünkt {point}\n")
            scan["mca:spectrum"].publish(np.arange(16, dtype=np.uint32) * point)
            scan.flush()


def test_replay_of_a_recording_gives_the_same_file(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    path, tape = dataset.policy.filename, tmp_path / "tape.jsonl.gz"
    publish(dataset, 2)
    only_new = ("--look-back-s", "0")
    with serving(SESSION, redis_url, tmp_path / "writer", *only_new), recording(redis_url, tape):
        publish(dataset, 20)
        publish(dataset, 5)
        wait_until(lambda: entry_is_final(path, "3.1"), "saved while it is recorded")
    names = [scan.name for scan in Recording(tape).scans]
    assert names == ["2_loopscan", "3_loopscan"]
    first = tmp_path / "first"
    (tmp_path / "data").rename(first)
    redis_client.flushall()
    with serving(SESSION, redis_url, tmp_path / "again"):
        result = run("replay", str(tape), "--redis", redis_url, "--speed", "0")
        assert result.returncode == 0, result.stderr
        assert "2 scans sent" in result.stdout
        for entry in (
            "2.1",
            "3.1",
        ):  # at full speed the second may be the first to be complete
            wait_until(lambda entry=entry: entry_is_final(path, entry), "saved")  # type: ignore[misc]
    report = compare_trees(first, tmp_path / "data", tolerate=[r"/writer/(start_time|date)", r"^/@default"])
    assert report.recall == 1.0, report.misses
    assert not report.extra
    with h5py.File(path) as file:
        assert file["2.1/measurement/text"].asstr()[3] == "pünkt 3\n"


def test_only_the_session_is_recorded(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl.gz"
    with recording(redis_url, tape):
        for session in (SESSION, f"{SESSION}_data", "other"):
            publish(SessionPublisher(redis_client, session).dataset(tmp_path, "hg123", "sample"), 2)
        redis_client.set("something", "else")
    with gzip.open(tape, "rt") as lines:
        records = [json.loads(line) for line in lines]
    keys = {record["args"][1] for record in records if len(record["args"]) > 1}
    assert keys
    own = (f"{SESSION}:", f"{SESSION}_children_list", f"{SESSION}_info")
    assert [key for key in keys if key != SESSION and not key.startswith(own)] == []
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
    assert len(Recording(tape).scans) == 1


def test_scan_that_runs_already_is_left_out_and_said(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    tape = tmp_path / "tape.jsonl.gz"
    with dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=2)) as scan:
        scan.prepare()
        with recording(redis_url, tape) as recorder:
            assert recorder.stdout is not None
            assert "1_loopscan" in recorder.stdout.readline()
            scan["ctl:diode"].publish(1.0)
            scan.flush()
    assert not Recording(tape).scans


def test_a_session_that_is_not_there_yet_is_said(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    SessionPublisher(redis_client, "other").dataset(tmp_path / "data", "hg123", "sample")
    tape = tmp_path / "tape.gz"
    told = run("record", SESSION, str(tape), "--redis", redis_url, "--duration", "0").stdout
    assert f"Redis has no session {SESSION} (it has other): correct the name, or wait" in told


def test_killed_recorder_leaves_what_it_had(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    tape = tmp_path / "tape.jsonl.gz"
    command = [sys.executable, "-m", "nexus_writer", "record", SESSION, str(tape), "--redis", redis_url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    publish(dataset, 3)
    wait_until(lambda: len(Recording(tape).scans) == 1, "flushed")
    process.kill()
    process.communicate()
    recording = Recording(tape)
    assert recording.scans[0].name == "1_loopscan"
    assert recording.cut
    redis_client.flushall()
    result = run("replay", str(tape), "--redis", redis_url, "--speed", "0")
    assert result.returncode == 0, result.stderr
    assert "the end of the recording is missing" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["replay", "{dir}/none.gz"], 1, "none.gz is no recording that can be replayed (No such file or d"),
        (["replay", "{dir}/text"], 1, "no recording that can be replayed"),
        (["replay", "{tape}", "--only", "9_scan"], 2, "its scans are none"),
        (["record", "s", "{dir}/text"], 1, "File exists"),
    ],
)
def test_mistake_is_one_line(
    redis_url: str, tmp_path: Path, arguments: list[str], exit_code: int, says: str
) -> None:
    (tmp_path / "text").write_text("text")
    with gzip.open(tmp_path / "tape", "wt") as file:
        file.write("")
    filled = [
        part.replace("{dir}", str(tmp_path)).replace("{tape}", str(tmp_path / "tape")) for part in arguments
    ]
    result = run(*filled, "--redis", redis_url)
    assert result.returncode == exit_code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
