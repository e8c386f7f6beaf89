"""``nexus-writer status``: writers that are there, that are gone, and that never were."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import redis

from nexus_writer.cli.status import LEFT
from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from nexus_writer.data.roster import RECORD_KEPT_S, RosterEntry, WriterRecord, present_writers, statuses_of
from tests.cli.test_app import run
from tests.serve_process import serving, wait_until

SESSION = "shown"
COUNTERS = DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))


def is_begun(path: str) -> bool:
    try:
        with h5py.File(path) as file:
            return len(file["1.1/measurement/diode"]) == 3
    except (OSError, KeyError):
        return False


def test_no_writer_is_one_line(redis_url: str) -> None:
    result = run("status", "nowhere", "--redis", redis_url)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "nexus-writer: no writer of session nowhere is at work: start its device, or nexus-writer serve "
        "nowhere; Redis has no session nowhere (it has none at all, is it the right server?): correct the "
        "name, or wait for it to begin\n"
    )


def test_a_session_that_is_there_has_no_writer(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample")
    dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),))).announce()
    assert run("status", SESSION, "--redis", redis_url).stderr.endswith(f"nexus-writer serve {SESSION}\n")


def test_all_writers_and_what_they_do(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    options = ("--required-disk-space", "0", "--flush-period-s", "0.05")
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    with (
        serving(SESSION, redis_url, tmp_path / "active", *options) as active,
        serving(SESSION, redis_url, tmp_path / "standby", "--standby", *options),
    ):
        with dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), npoints=5)) as scan:
            scan.prepare()
            scan["ctl:diode"].publish(np.arange(3.0))
            scan.flush()
            wait_until(lambda: is_begun(scan.filename), "begun")
            writer = present_writers(redis_client, SESSION)[0].record.id
            wait_until(
                lambda: "progress" in statuses_of(redis_client, SESSION, writer).get(scan.key, {}), "told"
            )
            result = run("status", SESSION, "--redis", redis_url)
            report = json.loads(run("status", SESSION, "--redis", redis_url, "--json").stdout)
        assert (result.returncode, result.stderr) == (0, "")
        lines = result.stdout.splitlines()
        assert lines[0] == f"session {SESSION}"
        assert [line.split()[1] for line in lines[2:4]] == ["active", "standby"]
        assert "1_loopscan" in lines[lines.index("running") + 2]
        assert "ended lately: none" in lines
        assert lines[-1].split() == [str(scan.filename), writer, "1"]
        assert [one["role"] for one in report["writers"]] == ["active", "standby"]
        assert [one["running"] for one in report["writers"]] == [1, 0]
        assert all(one["alive"] and one["age_s"] < 20 for one in report["writers"])
        assert report["scans"][0]["state"] == "ON"
        assert report["scans"][0]["written_by"].endswith(f"(pid {active.process.pid})")
        assert report["leases"] == [{"path": str(scan.filename), "owner": writer, "fence": 1}]
        active.kill()
        wait_until(lambda: not present_writers(redis_client, SESSION)[0].alive, "gone")
        assert "GONE for" in run("status", SESSION, "--redis", redis_url).stdout


def test_those_that_died_are_shown(redis_url: str, redis_client: redis.Redis) -> None:
    entry = RosterEntry(SESSION, "id00:1:a")
    record = WriterRecord(entry.id, "id00", 1, False, "id00/nx/\x1b[31m", "1.0", 5.0, 0, 0.0)
    with redis_client.pipeline() as pipeline:
        entry.beat(pipeline, record)
        pipeline.pexpire("nexus-writer/shown/writer/id00:1:a", 600_000 - 60_000)
        pipeline.execute()
    result = run("status", SESSION, "--redis", redis_url)
    assert result.returncode == 1
    gone = re.search(r"GONE for (\d+) s", result.stdout)
    assert gone is not None
    assert int(gone[1]) >= 60
    assert "\x1b" not in result.stdout
    assert result.stderr.count("\n") == 1


def test_of_writers_that_died_the_one_heard_last_is_believed(
    redis_url: str, redis_client: redis.Redis
) -> None:
    scan = "shown:data:1_loopscan"
    for writer, ended, ago_s in (("id00:1:a", 6.0, 60), ("id00:2:b", None, 300)):
        entry = RosterEntry(SESSION, writer)
        record = WriterRecord(entry.id, "id00", 1, False, "", "1.0", 5.0, 0, 0.0)
        status = {"name": "1_loopscan", "state": "OFF", "start_time": 5.0, "end_time": ended}
        with redis_client.pipeline() as pipeline:
            entry.say(pipeline, scan, status)
            entry.beat(pipeline, record)
            pipeline.pexpire(f"nexus-writer/{SESSION}/writer/{writer}", (600 - ago_s) * 1000)
            pipeline.execute()
    text = run("status", SESSION, "--redis", redis_url).stdout
    assert "running: none" in text
    assert "ended lately: none" not in text


def test_a_scan_of_a_writer_that_died_does_not_run(redis_url: str, redis_client: redis.Redis) -> None:
    status = {"name": "1_loopscan", "state": "ON", "start_time": 5.0, "end_time": None}
    for writer, scan in (("id00:1:a", "shown:data:1_loopscan"), ("id00:2:b", "shown:data:2_loopscan")):
        entry = RosterEntry(SESSION, writer)
        record = WriterRecord(entry.id, "id00", 1, False, "", "1.0", 5.0, 0, 0.0)
        with redis_client.pipeline() as pipeline:
            entry.say(pipeline, scan, {**status, "name": scan.rpartition(":")[2]})
            entry.beat(pipeline, record)
            pipeline.execute()
    for writer, kept_s in (("id00:1:a", RECORD_KEPT_S - 60), ("id00:2:b", RECORD_KEPT_S + 60)):
        redis_client.expire(f"nexus-writer/{SESSION}/writer/{writer}", kept_s)
    lines = run("status", SESSION, "--redis", redis_url).stdout.splitlines()
    left = lines.index(LEFT)
    assert "2_loopscan" in lines[lines.index("running") + 2]
    assert "1_loopscan" in lines[left + 2]
    assert "1_loopscan" not in "".join(lines[:left])
    report = json.loads(run("status", SESSION, "--redis", redis_url, "--json").stdout)
    assert [scan["name"] for scan in report["scans"]] == ["2_loopscan"]
    assert [scan["name"] for scan in report["left"]] == ["1_loopscan"]
