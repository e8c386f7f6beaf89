"""One connection for one reader."""

from __future__ import annotations

import gc
import socket
import threading
import time
import weakref
from collections.abc import Iterator

import pytest
import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.link import Link
from tests.waiting import allowed_s, wait_until


@pytest.fixture
def link(redis_url: str) -> Iterator[Link]:
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        link = Link(client)
        yield link
        link.drop()


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class Blocked(threading.Thread):
    """Waits for a stream that never gets an entry."""

    def __init__(self, link: Link, client: redis.Redis) -> None:
        super().__init__(daemon=True)
        self.link = link
        self.error: Exception | None = None
        self.start()
        wait_until(lambda: int(client.info("clients")["blocked_clients"]), "the command waits")

    def run(self) -> None:
        try:
            self.link.call(b"XREAD", b"BLOCK", 0, b"STREAMS", b"never", b"$")
        except redis.ConnectionError as error:
            self.error = error


def test_replies_are_bytes_whatever_the_client_was_made_for(redis_url: str) -> None:
    for options in ({"protocol": 3}, {"decode_responses": True}, {}):
        with redis.Redis.from_url(redis_url, **options) as client:
            link = Link(client)
            link.call(b"HSET", b"h", b"field", b"value")
            assert link.call(b"HGETALL", b"h") == [b"field", b"value"]
            link.drop()


def test_it_goes_to_the_database_of_the_client(redis_url: str, redis_client: redis.Redis, link: Link) -> None:
    link.call(b"SET", b"key", b"value")
    assert redis_client.get("key") == b"value"


def test_an_error_in_one_reply_leaves_the_others(link: Link, redis_client: redis.Redis) -> None:
    redis_client.set("text", "x")
    first, second, third = link.call_all([(b"GET", b"text"), (b"HGETALL", b"text"), (b"GET", b"text")])
    assert (first, third) == (b"x", b"x")
    assert isinstance(second, redis.ResponseError)
    with pytest.raises(redis.ResponseError):
        link.call(b"HGETALL", b"text")
    assert link.call(b"GET", b"text") == b"x"


def test_a_call_after_a_lost_connection_makes_a_new_one(link: Link, redis_client: redis.Redis) -> None:
    assert link.call(b"PING") == b"PONG"
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    with pytest.raises(redis.ConnectionError):
        link.call(b"PING")
    assert link.call(b"PING") == b"PONG"


def test_interrupt_ends_a_call_that_waits_and_all_later_ones(link: Link, redis_client: redis.Redis) -> None:
    blocked = Blocked(link, redis_client)
    started = time.monotonic()
    link.interrupt()
    blocked.join(60)
    assert time.monotonic() - started < allowed_s(0.1)
    assert blocked.error is not None
    with pytest.raises(redis.ConnectionError, match="stopped"):
        link.call(b"PING")


def test_interrupt_reaches_the_connection_that_came_after_a_lost_one(
    link: Link, redis_client: redis.Redis
) -> None:
    blocked = Blocked(link, redis_client)
    redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    blocked.join(60)
    blocked = Blocked(link, redis_client)
    link.interrupt()
    blocked.join(60)
    assert blocked.error is not None


def test_a_greenlet_that_is_killed_leaves_no_reply_behind(redis_url: str, redis_client: redis.Redis) -> None:
    gevent = pytest.importorskip("gevent")
    client = connect(redis_url, green=True)
    link = Link(client)
    waiting = gevent.spawn(link.call, b"XREAD", b"BLOCK", 0, b"STREAMS", b"stream", b"$")
    gevent.sleep(0.02)
    waiting.kill()
    redis_client.xadd("stream", {"a": "b"})
    assert link.call(b"PING") == b"PONG"
    waiting = gevent.spawn(link.call, b"XREAD", b"BLOCK", 0, b"STREAMS", b"stream", b"$")
    gevent.sleep(0.02)
    link.interrupt()
    with pytest.raises(redis.ConnectionError):
        waiting.get(timeout=60)
    link.drop()
    client.close()


def test_a_server_that_keeps_silent_counts_as_gone(silent_server: int) -> None:
    with redis.Redis(port=silent_server, protocol=2) as client:
        link = Link(client, silence_s=0.1)
        with pytest.raises(redis.ConnectionError, match=r"no answer within 0\.1 s"):
            link.call(b"PING")
        with pytest.raises(redis.ConnectionError, match=r"no answer within 0\.1 s"):
            link.call_all([(b"PING",)])


def test_a_link_that_is_forgotten_closes_its_connection(redis_url: str, redis_client: redis.Redis) -> None:
    before = len(redis_client.client_list())
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        link = Link(client)
        link.call(b"PING")
        assert len(redis_client.client_list()) == before + 1
        del link
        wait_until(lambda: len(redis_client.client_list()) <= before, "the connection is given back")


def test_a_dropped_connection_leaves_nothing_to_the_garbage_collector(redis_client: redis.Redis) -> None:
    """A server reads each scan by one of its own, with a buffer of 64 kB."""
    gc.collect()
    gc.disable()
    try:
        link = Link(redis_client)
        link.call(b"PING")
        parser = weakref.ref(link._connection._parser)
        link.drop()
        assert parser() is None
    finally:
        gc.enable()
