"""A replayed recording leaves in Redis what the beamline left there, with ids that are new."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis

from nexus_writer.data.recording import Recording, new_node, replay, replay_steps

ALL = sorted(folder.name for folder in (Path(__file__).parent.parent / "data" / "captures").iterdir())
DATASET = "demo_session:data:id00:bliss:raw:visitor:hg123:loopscan10:loopscan10_0001"
LOOPSCAN = f"{DATASET}:1_loopscan"


@pytest.mark.parametrize("name", ALL)
def test_every_recording_can_be_replayed(name: str, captures: Path, redis_client: redis.Redis) -> None:
    recording = Recording(captures / name)
    replay(recording, redis_client)
    assert recording.session == "demo_session"
    assert recording.scans
    for scan in recording.scans:
        assert redis_client.hget(scan.key, "version") == b"v1.1"
        assert redis_client.xlen(f"{scan.key}_end") == 1


def test_the_scans_of_a_recording(captures: Path) -> None:
    scans = Recording(captures / "sequence" / "timeline.jsonl.gz").scans
    assert [scan.name for scan in scans][:3] == ["1_my_sequence", "2_loopscan", "3_loopscan"]
    assert scans[-1].name == "7_my_group"
    assert [scan.time_s for scan in scans] == sorted(scan.time_s for scan in scans)
    assert all(scan.key.endswith(f":{scan.name}") for scan in scans)


def test_data_keep_their_ids_and_events_get_new_ones(captures: Path, redis_client: redis.Redis) -> None:
    seconds, microseconds = redis_client.time()
    before_ms = seconds * 1000 + microseconds // 1000
    replay(Recording(captures / "loopscan10"), redis_client)
    data = redis_client.xrange(f"{LOOPSCAN}:timer:elapsed_time_data")
    assert [entry for entry, _ in data] == [b"%d-0" % point for point in range(1, 11)]
    for stream in (f"{DATASET}_children_list", f"{LOOPSCAN}_prepared", f"{LOOPSCAN}_end"):
        ((entry, _),) = redis_client.xrange(stream)
        assert int(entry.split(b"-")[0]) >= before_ms
    assert redis_client.hget(DATASET, "last_scan_number") == b"1"


def test_no_key_of_the_recorded_reader_comes_back(captures: Path, redis_client: redis.Redis) -> None:
    replay(Recording(captures / "loopscan10"), redis_client)
    assert {key.split(b":")[0].split(b"_")[0] for key in redis_client.scan_iter()} == {b"demo"}


def test_times_to_live_are_those_of_the_recording(captures: Path, redis_client: redis.Redis) -> None:
    replay(Recording(captures / "loopscan10"), redis_client)
    assert redis_client.ttl(LOOPSCAN) == -1
    assert 590 < redis_client.ttl(f"{LOOPSCAN}:timer:elapsed_time_data") <= 600


def test_a_transaction_stays_one(captures: Path) -> None:
    steps = list(replay_steps(Recording(captures / "loopscan10")))
    (end,) = [step for step in steps if any(b"END_SCAN" in one.args for one in step.recorded)]
    assert {command[0] for command in end.commands[:-1]} == {b"HSET"}
    assert end.commands[-1][:3] == (b"XADD", f"{LOOPSCAN}_end".encode(), b"*")
    assert any(len(step.commands) > 40 for step in steps)


def test_only_some_scans(captures: Path, redis_client: redis.Redis) -> None:
    recording = Recording(captures / "amesh")
    first, second, third = recording.scans
    replay(recording, redis_client, only=[second.name])
    assert redis_client.xlen(f"{second.key}_end") == 1
    for left_out in (first, third):
        assert not redis_client.keys(f"{left_out.key}*")
    children = redis_client.xrange(second.key.rpartition(":")[0] + "_children_list")
    assert [fields[b"db_name"].decode() for _, fields in children] == [second.key]


def test_two_recordings_fit_into_one_server(captures: Path, redis_client: redis.Redis) -> None:
    replay(Recording(captures / "loopscan10"), redis_client)
    announced = redis_client.xlen("demo_session_children_list")
    replay(Recording(captures / "ascan1"), redis_client)
    assert redis_client.xlen("demo_session_children_list") > announced
    assert redis_client.xlen(f"{LOOPSCAN}:timer:elapsed_time_data") == 10


def test_nothing_goes_on_before_the_writer_knows_the_scan(captures: Path, redis_client: redis.Redis) -> None:
    recording = Recording(captures / "amesh")
    known: list[tuple[str, str, bool]] = []

    def wait_for_writer(name: str, key: str) -> None:
        known.append((name, key, bool(redis_client.exists(f"{key}:axis"))))

    replay(recording, redis_client, wait_for_writer=wait_for_writer)
    assert known == [(scan.name, scan.key, False) for scan in recording.scans]


def test_speed_is_that_of_the_recording_or_a_multiple(captures: Path, redis_client: redis.Redis) -> None:
    recording = Recording(captures / "loopscan10")
    duration_s = list(replay_steps(recording))[-1].time_s
    start_s = time.monotonic()
    replay(recording, redis_client, speed=10.0)
    assert duration_s / 10 <= time.monotonic() - start_s


def test_a_replay_can_stop_and_go_on(captures: Path, redis_client: redis.Redis) -> None:
    steps = replay_steps(Recording(captures / "loopscan10"))
    for step in steps:
        step.send(redis_client)
        if any(new_node(command) == LOOPSCAN.encode() for command in step.recorded):
            break
    assert redis_client.exists(LOOPSCAN)
    assert not redis_client.exists(f"{LOOPSCAN}:timer")
    for step in steps:
        step.send(redis_client)
    assert redis_client.xlen(f"{LOOPSCAN}_end") == 1
