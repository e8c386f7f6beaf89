"""Connections that one reader leaves to the next."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.link import Link
from nexus_writer.data.spare_connections import MOST_KEPT
from tests.waiting import wait_until


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url)
    yield client
    client.close()


def number_of(link: Link) -> int:
    """The number that the server has given to its connection."""
    return int(link.call(b"CLIENT", b"ID"))


def test_a_reader_goes_on_with_the_connection_of_one_that_is_done(client: redis.Redis) -> None:
    first = Link(client)
    number = number_of(first)
    first.give_back()
    assert not first.connected
    second, third = Link(client, silence_s=3.0), Link(client)
    assert number_of(second) == number != number_of(third)
    assert second._connection is not None and second._connection._sock.gettimeout() == 3.0
    second.drop()
    third.drop()


def test_one_whose_reply_did_not_come_is_not_left(client: redis.Redis, redis_client: redis.Redis) -> None:
    link = Link(client)
    number = number_of(link)
    waiting = threading.Thread(target=lambda: _until_closed(link), daemon=True)
    waiting.start()
    wait_until(lambda: int(redis_client.info("clients")["blocked_clients"]), "the command waits")
    link.give_back()  # by another thread, while it is called
    redis_client.client_unblock(number)
    waiting.join()
    other = Link(client)
    assert number_of(other) != number
    other.drop()


def test_one_that_was_interrupted_is_not_left(client: redis.Redis) -> None:
    link = Link(client)
    number = number_of(link)
    link.interrupt()
    link.give_back()
    other = Link(client)
    assert number_of(other) != number
    other.drop()


def test_one_that_the_server_has_closed_is_not_used(client: redis.Redis, redis_client: redis.Redis) -> None:
    link = Link(client)
    number = number_of(link)
    link.give_back()
    redis_client.client_kill_filter(_id=str(number))
    other = Link(client)
    assert number_of(other) != number
    other.drop()


def test_a_thread_has_its_own(client: redis.Redis) -> None:
    numbers = []

    def read() -> None:
        link = Link(client)
        numbers.append(number_of(link))
        link.give_back()

    read()
    other = threading.Thread(target=read)
    other.start()
    other.join()
    read()
    assert numbers[0] == numbers[2] != numbers[1]


def test_they_are_closed_with_their_client_and_few_are_kept(
    client: redis.Redis, redis_client: redis.Redis
) -> None:
    links = [Link(client) for _ in range(MOST_KEPT + 2)]
    used = Link(client)
    numbers = {number_of(link) for link in links}
    number = number_of(used)
    for link in links:
        link.give_back()
    wait_until(lambda: len(numbers & _connected(redis_client)) == MOST_KEPT, "some are closed")
    client.close()
    wait_until(lambda: not numbers & _connected(redis_client), "all are closed")
    assert number_of(used) == number
    used.give_back()
    wait_until(lambda: number not in _connected(redis_client), "it is closed, too")


def _connected(client: redis.Redis) -> set[int]:
    return {int(one["id"]) for one in client.client_list()}


def _until_closed(link: Link) -> None:
    with contextlib.suppress(redis.RedisError, OSError, ValueError, AttributeError):
        link.call(b"XREAD", b"BLOCK", 0, b"STREAMS", b"never", b"$")
