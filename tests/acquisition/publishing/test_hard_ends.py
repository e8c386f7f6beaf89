"""Ends of scans when something is in the way: a writer far behind, Redis away, senders that go on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.acquisition import SendBlocked
from nexus_writer.acquisition.publishing import End, Pace, PublishingFailed, RedisPublisher
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.publishing.channel import ChannelPublisher
from tests.waiting import wait_until

from .streams import all_points, ended_with, info, publisher, signal

RAMP = np.arange(100, dtype="float64")[:, None]


def ends_when_back(server: EmbeddedRedis, stop: Callable[[], object]) -> None:
    """Stopping waits for the server, and for no longer."""
    ending = threading.Thread(target=stop)
    ending.start()
    ending.join(0.5)
    assert ending.is_alive()
    server.start()
    ending.join(60)
    assert not ending.is_alive()


def test_points_that_were_kept_back_go_out_at_the_end(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """More waits than a block takes, and nobody has saved anything."""
    pace = Pace(flush_period_s=0.01, flush_nbytes=800)
    streams = {"i0": signal()}
    with publisher(redis_url, tmp_path, streams, pace=pace, stream_max_entries=4) as (node, outputs):
        node.start()
        sent = 0
        while sent < 4000:
            outputs["i0"].send(RAMP + sent)
            sent += 100
            if sent == 2000:
                wait_until(node.held, "points are kept back", 10)
        node.end_with(End(counts={"i0": sent}, within_s=2.0))
        node.stop()
        assert node.report["i0"]["samples"] == sent
        assert node.report["i0"]["gaps"] == []


def test_a_scan_ends_when_redis_is_back(tmp_path: Path) -> None:
    with (
        EmbeddedRedis(tmp_path / "redis") as server,
        publisher(server.url, tmp_path, {"i0": signal()}, pace=Pace(0.02)) as (node, outputs),
    ):
        node.start()
        outputs["i0"].send(RAMP)
        assert node.scan is not None
        wait_until(lambda: node.report["i0"]["samples"] == 100, "all points", 10)
        with server.client() as client:
            wait_until(lambda: client.exists(f"{node.scan_key}:timer:i0:i0_data"), "points in Redis", 10)
        server.stop()
        node.end_with(End(counts={"i0": 100}))
        ends_when_back(server, node.stop)
        with server.client() as client:
            assert ended_with(client, node.scan_key) == ""
            assert info(client, node.scan_key)["state"] == "DONE"
            assert len(all_points(client, f"{node.scan_key}:timer", "i0:i0")) == 100


def test_a_scan_whose_redis_stays_away_ends_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was ended meanwhile: its writers are told, and get what came until then."""
    pace = Pace(0.02, redis_within_s=0.3, end_within_s=120)
    with (
        EmbeddedRedis(tmp_path / "redis") as server,
        publisher(server.url, tmp_path, {"i0": signal()}, pace=pace) as (node, outputs),
    ):
        node.start()
        server.stop()
        outputs["i0"].send(RAMP)
        wait_until(lambda: not node.running(), "the failure")
        assert [one.message for one in caplog.records if "END_SCAN waits for Redis, for 120 s" in one.message]
        ends_when_back(server, lambda: _stop_failed(node))
        with server.client() as client:
            assert "ConnectionError" in ended_with(client, node.scan_key)
            assert info(client, node.scan_key)["end_reason"].startswith("FAILURE")
            assert len(all_points(client, f"{node.scan_key}:timer", "i0:i0")) == 100


def test_a_redis_that_does_not_come_back_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pace = Pace(0.02, redis_within_s=0.1, end_within_s=0.1)
    with (
        EmbeddedRedis(tmp_path / "redis") as server,
        publisher(server.url, tmp_path, {"i0": signal()}, pace=pace) as (node, outputs),
    ):
        node.start()
        server.stop()
        outputs["i0"].send(RAMP)
        with pytest.raises(PublishingFailed):
            _stop_when_failed(node)
    (told,) = [one.getMessage() for one in caplog.records if "was not published" in one.getMessage()]
    assert "END_SCAN was not published, its writers wait until it was silent for silence_s" in told


def test_who_is_interrupted_need_not_wait_for_redis(tmp_path: Path) -> None:
    pace = Pace(0.02, redis_within_s=600, end_within_s=600)
    with (
        EmbeddedRedis(tmp_path / "redis") as server,
        publisher(server.url, tmp_path, {"i0": signal()}, pace=pace) as (node, _),
    ):
        node.start()
        server.stop()
        stopping = threading.Thread(target=_stop_failed, args=(node,))
        stopping.start()
        stopping.join(0.5)
        assert stopping.is_alive()
        assert node._running_scan is not None
        node._running_scan.end(End())
        stopping.join(60)
        assert not stopping.is_alive()


@pytest.mark.parametrize(
    ("begin", "end"),
    [("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"), ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE")],
    ids=["memory", "replica"],
)
def test_a_redis_that_takes_nothing_for_a_while_is_waited_for(begin: str, end: str, tmp_path: Path) -> None:
    with (
        EmbeddedRedis(tmp_path / "redis") as server,
        publisher(server.url, tmp_path, {"i0": signal()}, pace=Pace(0.02)) as (node, outputs),
        server.client() as client,
    ):
        node.start()
        outputs["i0"].send(RAMP[:50])
        wait_until(lambda: client.exists(f"{node.scan_key}:timer:i0:i0_data"), "points in Redis", 10)
        client.execute_command(*begin.split())
        outputs["i0"].send(RAMP[50:])
        wait_until(lambda: node.report["i0"]["samples"] == 100, "all points", 10)
        time.sleep(0.1)  # a flush is refused
        client.execute_command(*end.split())
        node.end_with(End(counts={"i0": 100}))
        node.stop()
        assert ended_with(client, node.scan_key) == ""
        assert all_points(client, f"{node.scan_key}:timer", "i0:i0").tolist() == RAMP[:, 0].tolist()


def test_a_scan_ends_though_a_sender_goes_on(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    over = threading.Event()
    with publisher(redis_url, tmp_path, {"i0": signal(send_timeout_s=0.1)}, pace=Pace(0.02)) as (
        node,
        outputs,
    ):

        def send() -> None:
            while not over.is_set():
                with contextlib.suppress(SendBlocked):
                    outputs["i0"].send(RAMP)

        sender = threading.Thread(target=send)
        node.start()
        sender.start()
        try:
            node.end_with(End(within_s=0.5))
            ending = threading.Thread(target=node.stop)
            ending.start()
            ending.join(60)
            has_ended = not ending.is_alive()
        finally:
            over.set()
            sender.join()
        ending.join(60)
        assert has_ended
        assert ended_with(redis_client, node.scan_key) == ""


def test_what_came_of_a_stream_whose_count_nobody_knows_is_published(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """As of a node whose process has died."""
    pace = Pace(flush_period_s=30, flush_nbytes=1)
    with publisher(redis_url, tmp_path, {"i0": signal(), "i1": signal()}, pace=pace) as (node, outputs):
        node.start()
        for _ in range(20):
            outputs["i1"].send(RAMP)
        outputs["i0"].send(RAMP)
        node.end_with(End(counts={"i0": 100}))
        node.stop()
        assert len(all_points(redis_client, f"{node.scan_key}:timer", "i1:i1")) == 2000


def test_a_block_that_could_not_be_put_aside_whole_is_published_once(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is short for a moment, behind the first channel of a stream."""
    really, refused = ChannelPublisher.publish, []

    def publish(channel: ChannelPublisher, values: Any) -> None:
        if channel.fullname == "i0:i0_1" and not refused:
            refused.append(values)
            raise MemoryError("no memory left")
        really(channel, values)

    monkeypatch.setattr(ChannelPublisher, "publish", publish)
    with publisher(redis_url, tmp_path, {"i0": signal(2)}, pace=Pace(0.02)) as (node, outputs):
        node.start()
        outputs["i0"].send(np.repeat(RAMP, 2, axis=1))
        with pytest.raises(PublishingFailed, match="no memory left"):
            _stop_when_failed(node)
    assert "MemoryError" in ended_with(redis_client, node.scan_key)
    for channel in ("i0:i0_0", "i0:i0_1"):
        found = all_points(redis_client, f"{node.scan_key}:timer", channel)
        assert found.tolist() == RAMP[:, 0].tolist()


def test_a_scan_ends_though_redis_refuses_a_channel(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    """Something else has its key. Of a block that is refused in part, no part is sent again."""
    with publisher(redis_url, tmp_path, {"i0": signal(2)}, pace=Pace(0.02)) as (node, outputs):
        node.start()
        redis_client.set(f"{node.scan_key}:timer:i0:i0_1_data", "in the way")
        outputs["i0"].send(np.repeat(RAMP, 2, axis=1))
        with pytest.raises(PublishingFailed, match="WRONGTYPE"):
            _stop_when_failed(node)
    assert "ResponseError" in ended_with(redis_client, node.scan_key)
    assert info(redis_client, node.scan_key)["state"] == "KILLED"
    assert all_points(redis_client, f"{node.scan_key}:timer", "i0:i0_0").tolist() == RAMP[:, 0].tolist()


def _stop_when_failed(node: RedisPublisher) -> None:
    wait_until(lambda: not node.running(), "the failure")
    node.stop()


def _stop_failed(node: RedisPublisher) -> None:
    with contextlib.suppress(PublishingFailed):
        node.stop()
