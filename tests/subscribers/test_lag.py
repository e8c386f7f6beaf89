"""How close Redis is to throwing away points: asked for, kept and warned of in time."""

from __future__ import annotations

import logging

import gevent
import pytest
import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.data.unread import Unread
from nexus_writer.subscribers.lag import LagWatch
from tests.data_room.by_hand import HandPublisher
from tests.session_scans import until


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Percentages of the warnings so far."""
    return [record.getMessage().split()[1] for record in caplog.records if record.levelno == logging.WARNING]


def test_each_step_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    watch = LagWatch("scan")
    for fill in (0.0, 0.2, 0.3, 0.4, 0.3, 0.55, 0.24, 0.6):
        watch.note(Unread(1000, fill))
    assert warned(caplog) == ["30", "55"]
    assert watch.unread == Unread(1000, 0.6)


def test_a_jump_is_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    LagWatch("scan").note(Unread(2048, 1.0))
    assert warned(caplog) == ["100"]
    assert "[scan] 100 % of what Redis keeps" in caplog.text


def test_who_has_caught_up_is_warned_again(caplog: pytest.LogCaptureFixture) -> None:
    watch = LagWatch("scan")
    for fill in (0.3, 0.15, 0.3, 0.05, 0.3):
        watch.note(Unread(1000, fill))
    assert warned(caplog) == ["30", "30"]


def test_redis_is_asked_beside_a_reader_that_does_not_read(
    redis_url: str, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    publisher = HandPublisher(redis_client)
    scan = publisher.scan()
    channel = publisher.channel(publisher.below(scan, "timer", "None"), "epoch")
    with connect(redis_url, green=True) as client:
        reader = ScanReader(client, scan)
        reader.read(5)
        watch = LagWatch(scan)
        watching = gevent.spawn(watch.follow, reader)
        publisher.points(channel, [1.0] * 1024)
        until(lambda: watch.unread == Unread(1024, 0.5, 1024), "asked")
        redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        publisher.points(channel, [1.0] * 512, start=1024)
        until(lambda: watch.unread == Unread(1536, 0.75, 1536), "asked by a new connection")
        watching.kill()
        reader.close()
    assert warned(caplog) == ["50", "75"]


def test_a_redis_that_does_not_answer_such_questions_costs_nothing(
    redis_url: str, redis_client: redis.Redis
) -> None:
    publisher = HandPublisher(redis_client)
    scan = publisher.scan()
    channel = publisher.channel(publisher.below(scan, "timer", "None"), "epoch")
    publisher.points(channel, [1.0] * 10)
    redis_client.execute_command("ACL", "SETUSER", "reader", "on", "nopass", "~*", "+@all", "-eval")
    try:
        with connect(redis_url.replace("redis://", "redis://reader:@"), green=True) as client:
            reader = ScanReader(client, scan)
            reader.read(5)
            watch = LagWatch(scan)
            watching = gevent.spawn(watch.follow, reader)
            with pytest.raises(redis.ResponseError, match="permission"):
                reader.unread()
            gevent.sleep(0.7)
            assert not watching.dead
            watching.kill()
            reader.close()
    finally:
        redis_client.execute_command("ACL", "DELUSER", "reader")
