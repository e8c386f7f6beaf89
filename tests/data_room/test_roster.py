"""The writers of a session in a real Redis, and that BLISS's clients do not see them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import redis

from nexus_writer.data import ScanSpec, SessionPublisher, get_session_node, own_keys
from nexus_writer.data.existing import LAST, existing_nodes
from nexus_writer.data.leases import Leases
from nexus_writer.data.link import Link
from nexus_writer.data.roster import (
    OtherWriters,
    Outcome,
    RosterEntry,
    WriterRecord,
    present_writers,
    read_outcome,
    read_requests,
    request,
    statuses,
    statuses_of,
)

RECORD = WriterRecord("host:1:a", "host", 1, False, "id00/nx/unit", "1.0", 5.0, 2, 0.25, ("/a.h5",))


def say(client: redis.Redis, entry: RosterEntry, record: WriterRecord, **scans: str) -> None:
    with client.pipeline() as pipeline:
        for scan, state in scans.items():
            entry.say(pipeline, scan, {"state": state})
        entry.beat(pipeline, record)
        pipeline.execute()


def test_writers_know_each_other(redis_client: redis.Redis) -> None:
    first, second = RosterEntry("unit", RECORD.id), RosterEntry("unit", "b")
    later = replace(RECORD, id="b", standby=True, since=6.0)
    say(redis_client, second, later, one="ON")
    say(redis_client, first, RECORD, one="OFF", two="INIT")
    present = present_writers(redis_client, "unit")
    assert [one.record for one in present] == [RECORD, later]
    assert [one.record.role for one in present] == ["active", "standby"]
    assert all(one.alive and one.age_s < 20 for one in present)
    assert statuses_of(redis_client, "unit", RECORD.id) == {"one": {"state": "OFF"}, "two": {"state": "INIT"}}
    asked = [(RECORD.id, "one"), ("b", "one"), ("b", "two")]
    assert statuses(redis_client, "unit", asked) == [{"state": "OFF"}, {"state": "ON"}, None]
    assert present_writers(redis_client, "other") == []


def test_whether_others_are_there(redis_client: redis.Redis) -> None:
    """One that has died is, until its record is gone."""
    others = OtherWriters("unit", RECORD.id)

    def are_there() -> bool:
        with redis_client.pipeline() as pipeline:
            others.ask(pipeline)
            others.hear(pipeline.execute())
        return others.present

    assert others.present
    assert not are_there()
    say(redis_client, RosterEntry("unit", RECORD.id), RECORD)
    assert not are_there()
    say(redis_client, RosterEntry("unit", "b"), replace(RECORD, id="b"))
    assert [are_there() for _ in range(3)] == [True] * 3
    redis_client.delete(own_keys.writer("unit", "b"))
    assert [are_there() for _ in range(3)] == [False] * 3
    say(redis_client, RosterEntry("unit", "c"), replace(RECORD, id="c"))
    assert are_there()
    others.hear([redis.ResponseError("NOPERM"), redis.ResponseError("NOPERM")])
    assert others.present
    others.hear([{b"b"}, redis.ResponseError("NOPERM")])
    assert others.present


def test_who_leaves_is_gone(redis_client: redis.Redis) -> None:
    entry = RosterEntry("unit", RECORD.id)
    say(redis_client, entry, RECORD, one="OFF")
    with redis_client.pipeline() as pipeline:
        entry.leave(pipeline)
        pipeline.execute()
    assert present_writers(redis_client, "unit") == []


def test_the_age_is_that_of_the_last_heartbeat(redis_client: redis.Redis) -> None:
    entry = RosterEntry("unit", RECORD.id)
    say(redis_client, entry, RECORD)
    redis_client.pexpire(own_keys.writer("unit", RECORD.id), 600_000 - 30_000)
    (present,) = present_writers(redis_client, "unit")
    assert 29 < present.age_s < 31
    assert not present.alive


def test_what_cannot_be_read_is_passed_over(redis_client: redis.Redis) -> None:
    redis_client.sadd(own_keys.writers("unit"), "a", "b", "c", "d")
    redis_client.set(own_keys.writer("unit", "a"), b"\x80\x04.")
    redis_client.set(own_keys.writer("unit", "b"), json.dumps({"id": "b"}))
    redis_client.set(own_keys.writer("unit", "c"), "[" * 100_000)
    assert present_writers(redis_client, "unit") == []
    assert read_outcome(b"{}") is None
    assert read_outcome(b"null") is None


@pytest.mark.parametrize("field", ["pid", "since", "running", "lag_s"])
@pytest.mark.parametrize("value", [math.inf, math.nan, "much"])
def test_a_record_with_a_number_that_cannot_be_is_passed_over(
    redis_client: redis.Redis, field: str, value: object
) -> None:
    """The others are told of all the same."""
    say(redis_client, RosterEntry("unit", RECORD.id), RECORD)
    redis_client.sadd(own_keys.writers("unit"), "bad")
    redis_client.set(
        own_keys.writer("unit", "bad"), json.dumps({**asdict(RECORD), "id": "bad", field: value})
    )
    assert [one.record for one in present_writers(redis_client, "unit")] == [RECORD]


def test_requests_are_read_once(redis_client: redis.Redis) -> None:
    request(redis_client, "unit", "a", "unit:1_scan", "stop")
    entry = RosterEntry("unit", "a")
    answers = []
    for _ in range(2):
        with redis_client.pipeline() as pipeline:
            entry.take_requests(pipeline)
            answers.append(read_requests(pipeline.execute()[0]))
    assert answers == [[("unit:1_scan", "stop")], []]


def test_an_outcome_is_read_as_it_was_written(redis_client: redis.Redis) -> None:
    outcome = Outcome("a", {"state": "OFF", "start_time": 1.5}, silent=True)
    with redis_client.pipeline() as pipeline:
        RosterEntry("unit", "a").settle(pipeline, "unit:1_scan", outcome, 10)
        pipeline.execute()
    assert read_outcome(redis_client.get(own_keys.outcome("unit", "unit:1_scan"))) == outcome


def test_listings_of_nodes_do_not_see_them(redis_client: redis.Redis, tmp_path: Path) -> None:
    """What BLISS looks for: sessions by a pattern of keys, all else below its parents."""
    dataset = SessionPublisher(redis_client, "unit").dataset(tmp_path, "hg123", "sample")
    dataset.scan(ScanSpec("loopscan", ()))

    def listing() -> list[str]:
        link = Link(redis_client)
        nodes = existing_nodes(
            link, get_session_node("unit", redis_client), until=LAST, descend=lambda _: True
        )
        found = [node.node.db_name for node in nodes]
        link.drop()
        patterns = (b"*_children_list", b"unit*", b"unit:*", b"*:1_loopscan*", b"*_data")
        return found + [key.decode() for pattern in patterns for key in sorted(redis_client.keys(pattern))]

    before = listing()
    entry, leases = RosterEntry("unit", "a"), Leases("unit", "a")
    leases.take(redis_client, str(dataset.policy.filename))
    say(redis_client, entry, RECORD, one="ON")
    assert listing() == before
    assert [key for key in redis_client.keys("nexus-writer/*") if not redis_client.ttl(key) > 0] == []
