"""The load of the benchmarks is what the publisher publishes, byte for byte."""

from __future__ import annotations

import time

import numpy as np
import pytest
import redis

from benchmarks._load import BlockScan, LoadScan, publish_backlog
from nexus_writer.data.pickles import loads


def test_packed_events_are_those_of_the_publisher(redis_client: redis.Redis) -> None:
    load = LoadScan(redis_client, "/data", channels=5, points=3)
    load.publish(2)
    for number, channel in enumerate(load.scan.channels.values()):
        channel.points = 2
        channel.publish(load.value(number, 1))
    load.scan.flush()
    for channel in load.scan.channels.values():
        first, second, third = redis_client.xrange(f"{channel.key}_data")
        assert [first[0], second[0], third[0]] == [b"1-0", b"2-0", b"3-0"]
        assert list(second[1].items()) == list(third[1].items())
        assert first[1] != second[1]


def test_a_backlog_is_a_complete_scan_of_which_nothing_is_trimmed(redis_client: redis.Redis) -> None:
    load = publish_backlog(redis_client, "/data", channels=23, points=2500)
    assert load.events == 23 * 2500
    assert len(load.scan.channels) == 23
    for number, channel in enumerate(load.scan.channels.values()):
        entries = redis_client.xrange(f"{channel.key}_data")
        values = [loads(fields[b"__DATA__"]) for _, fields in entries]
        assert values == [load.value(number, point) for point in range(2500)]
        assert type(values[0]) is np.float64
    assert redis_client.xlen(f"{load.key}_end") == 1


def test_points_come_at_the_rate_that_is_asked_for(redis_client: redis.Redis) -> None:
    load = LoadScan(redis_client, "/data", channels=3)
    start_s = time.monotonic()
    load.publish(60, rate_hz=200)
    assert time.monotonic() - start_s >= 50 / 200


def test_the_writer_is_waited_for(redis_client: redis.Redis) -> None:
    known = []
    load = LoadScan(
        redis_client,
        "/data",
        channels=3,
        wait_for_writer=lambda name, key: known.append((name, redis_client.exists(f"{key}:timer"))),
    )
    assert known == [(load.scan.name, 0)]


def test_fewer_channels_than_the_timer_has_are_refused(redis_client: redis.Redis) -> None:
    with pytest.raises(ValueError, match="fewer than 3 channels"):
        LoadScan(redis_client, "/data", channels=2)


def test_blocks_are_published_as_they_are_expected(redis_client: redis.Redis) -> None:
    load = BlockScan(redis_client, "/data", channels=4, points=8, shape=(2, 3), points_per_event=4)
    load.publish(8)
    load.end()
    assert load.events == 8
    channel = list(load.scan.channels.values())[3]
    entries = redis_client.xrange(f"{channel.key}_data")
    found = np.concatenate([loads(fields[b"__DATA__"]) for _, fields in entries])
    assert found.shape == (8, 2, 3)
    assert np.array_equal(found, load.expected(3))
