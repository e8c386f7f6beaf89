"""When a scan that fell silent speaks again."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.scan_reader import ScanReader, ScanVanished
from nexus_writer.subscribers.silence import wait_until_it_speaks
from tests.data_room.by_hand import HandPublisher

SOON_S = 0.15


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with connect(redis_url, green=True) as client:
        yield client


@pytest.fixture
def publisher(redis_client: redis.Redis) -> HandPublisher:
    return HandPublisher(redis_client)


@pytest.fixture
def scan(publisher: HandPublisher) -> str:
    return publisher.scan()


@pytest.fixture
def channel(publisher: HandPublisher, scan: str) -> str:
    """A channel with 10 points."""
    key = publisher.channel(publisher.below(scan, "timer", "None"), "epoch")
    publisher.points(key, [1.0] * 10)
    return key


def positions(client: redis.Redis, scan: str) -> dict[str, bytes]:
    """Where a reader of all that is there now ends."""
    reader = ScanReader(client, scan)
    while reader.read(0):
        pass
    reader.close()
    return dict(reader.positions)


@pytest.fixture
def waiting(client: redis.Redis, scan: str, channel: str) -> Iterator[gevent.Greenlet]:
    """Waits since the 10 points were read."""
    greenlet = gevent.spawn(wait_until_it_speaks, client, scan, positions(client, scan))
    yield greenlet
    greenlet.kill()


def test_silence_is_waited_through(waiting: gevent.Greenlet) -> None:
    waiting.join(SOON_S)
    assert not waiting.ready()


def test_a_point(publisher: HandPublisher, channel: str, waiting: gevent.Greenlet) -> None:
    waiting.join(SOON_S)
    publisher.points(channel, [1.0], start=10)
    waiting.get(timeout=60)


def test_a_channel(publisher: HandPublisher, scan: str, waiting: gevent.Greenlet) -> None:
    waiting.join(SOON_S)
    publisher.channel(f"{scan}:timer", "elapsed")
    waiting.get(timeout=60)


def test_its_end(publisher: HandPublisher, scan: str, waiting: gevent.Greenlet) -> None:
    waiting.join(SOON_S)
    publisher.end(scan)
    waiting.get(timeout=60)


@pytest.mark.parametrize("spoke", ["points", "channel", "end"])
def test_what_came_before_anybody_waited(
    client: redis.Redis, publisher: HandPublisher, scan: str, channel: str, spoke: str
) -> None:
    since = positions(client, scan)
    if spoke == "points":
        publisher.points(channel, [1.0], start=10)
    elif spoke == "channel":
        publisher.channel(f"{scan}:timer", "elapsed")
    else:
        publisher.end(scan)
    with gevent.Timeout(60):
        wait_until_it_speaks(client, scan, since)


def test_what_redis_forgets_is_no_sign_of_life(
    client: redis.Redis, publisher: HandPublisher, scan: str, channel: str
) -> None:
    since = positions(client, scan)
    publisher.client.delete(f"{channel}_data")
    with gevent.Timeout(SOON_S, False):
        wait_until_it_speaks(client, scan, since)
        pytest.fail("it was silent")


@pytest.mark.parametrize("flushed", ["before", "meanwhile"])
def test_a_scan_that_redis_has_forgotten(
    monkeypatch: pytest.MonkeyPatch,
    client: redis.Redis,
    publisher: HandPublisher,
    scan: str,
    channel: str,
    flushed: str,
) -> None:
    monkeypatch.setattr("nexus_writer.data.scan_reader.IDLE_BLOCK_S", 0.02)
    since = positions(client, scan)
    if flushed == "before":
        publisher.client.flushdb()
    waiting = gevent.spawn(wait_until_it_speaks, client, scan, since)
    waiting.join(SOON_S)
    if flushed == "meanwhile":
        assert not waiting.ready()
        publisher.client.flushdb()
    waiting.join(60)
    assert isinstance(waiting.exception, ScanVanished)
