"""A greenlet that waits for Redis lets the others run; nothing is monkey patched."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
import pytest
import redis

from nexus_writer.data.connection import connect
from tests.waiting import allowed_s


class Ticks:
    """Counts how often a greenlet came to run, and its longest wait."""

    def __init__(self) -> None:
        self.count = 0
        self.longest_s = 0.0

    def run(self) -> None:
        before = time.monotonic()
        while True:
            gevent.sleep(0.002)
            now = time.monotonic()
            self.count += 1
            self.longest_s = max(self.longest_s, now - before)
            before = now


@contextmanager
def ticking() -> Iterator[Ticks]:
    ticks = Ticks()
    greenlet = gevent.spawn(ticks.run)
    try:
        yield ticks
    finally:
        greenlet.kill()


@pytest.fixture(params=["tcp", "unix"])
def client(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    url = request.getfixturevalue("redis_url" if request.param == "tcp" else "unix_redis_url")
    with connect(url, green=True) as client:
        client.flushall()
        yield client


def test_others_run_during_a_blocking_command(client: redis.Redis) -> None:
    with ticking() as ticks:
        start = time.monotonic()
        assert client.xread({"stream": "0"}, block=300) in ([], {})
        assert time.monotonic() - start >= 0.29
    assert ticks.count > 5


def test_a_blocked_read_returns_with_the_first_entry(client: redis.Redis) -> None:
    reader = gevent.spawn(client.xread, {"stream": "0"}, block=10_000)
    gevent.sleep(0.05)
    assert not reader.ready()
    client.xadd("stream", {"a": 1})
    assert reader.get(timeout=60)[0][0] == b"stream"


def test_many_greenlets_share_a_client(client: redis.Redis) -> None:
    client.set("large", bytes(3_000_000))

    def work(number: int) -> bool:
        for step in range(20):
            client.set(f"key{number}", step)
            assert client.get(f"key{number}") == b"%d" % step
        return len(client.get("large")) == 3_000_000

    greenlets = [gevent.spawn(work, number) for number in range(10)]
    gevent.joinall(greenlets, timeout=60, raise_error=True)
    assert all(greenlet.value for greenlet in greenlets)


def test_others_run_while_a_subscriber_waits(client: redis.Redis) -> None:
    pubsub = client.pubsub()
    pubsub.subscribe("news")
    assert pubsub.get_message(timeout=5)["type"] == "subscribe"
    with ticking() as ticks:
        start = time.monotonic()
        assert pubsub.get_message(timeout=0.2) is None
        assert 0.19 <= time.monotonic() - start < allowed_s(0.2)
        assert ticks.count > 5
        waiter = gevent.spawn(pubsub.get_message, timeout=10)
        gevent.sleep(0.02)
        client.publish("news", "hello")
        assert waiter.get(timeout=60)["data"] == b"hello"
    pubsub.close()


def test_a_timeout_ends_a_silent_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/1?socket_timeout=0.2"
        with ticking() as ticks, pytest.raises(redis.ConnectionError) as caught:
            try:
                connect(url, green=True)
            except Exception as error:
                raise redis.ConnectionError(str(error)) from error
        assert "imeout" in str(caught.value)
        assert ticks.count > 5


def test_a_killed_greenlet_breaks_no_later_command(client: redis.Redis) -> None:
    reader = gevent.spawn(client.xread, {"stream": "0"}, block=10_000)
    gevent.sleep(0.05)
    reader.kill()
    client.xadd("stream", {"a": 1})
    assert client.get("nothing") is None
    assert client.xlen("stream") == 1


def test_two_threads_have_their_own_hubs(redis_url: str) -> None:
    results: list[bool] = []

    def work() -> None:
        with connect(redis_url, green=True) as client, ticking() as ticks:
            client.blpop("nothing", timeout=0.2)
            results.append(ticks.count > 2)
        gevent.get_hub().destroy()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [True, True]


def test_nothing_is_monkey_patched() -> None:
    program = """
import select, socket, ssl, sys, threading, time
before = [socket.socket, socket.create_connection, select.poll, time.sleep, threading.Thread, ssl.SSLContext]
import nexus_writer.data.green
import gevent.monkey
after = [socket.socket, socket.create_connection, select.poll, time.sleep, threading.Thread, ssl.SSLContext]
assert before == after
assert not gevent.monkey.saved
"""
    subprocess.run([sys.executable, "-c", program], check=True)
