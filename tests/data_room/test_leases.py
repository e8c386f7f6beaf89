"""Leases of files in a real Redis: one owner at a time, and who slept is told."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis

from nexus_writer.data import own_keys
from nexus_writer.data.leases import Lease, Leases, held_leases
from tests.serve_process import wait_until

PATH = "/data/visitor/hg123/sample.h5"


@pytest.fixture
def leases_of(redis_client: redis.Redis) -> Callable[..., Leases]:
    return lambda owner, **options: Leases("unit", owner, **options)


def renewed(client: redis.Redis, leases: Leases, lease: Lease) -> Lease | None:
    with client.pipeline() as pipeline:
        leases.renew(pipeline, lease)
        return leases.renewed(lease, pipeline.execute()[0])


def give_back(client: redis.Redis, leases: Leases, lease: Lease) -> None:
    with client.pipeline() as pipeline:
        leases.give_back(pipeline, lease)
        pipeline.execute()


def wait_until_free(client: redis.Redis) -> None:
    wait_until(lambda: held_leases(client, "unit", [PATH])[PATH] is None, "expired")


def test_one_owner_at_a_time(redis_client: redis.Redis, leases_of: Callable[..., Leases]) -> None:
    first, second = leases_of("host:1:a"), leases_of("host:2:b")
    lease = first.take(redis_client, PATH)
    assert lease == Lease(PATH, "host:1:a", 1)
    assert second.take(redis_client, PATH) == lease
    assert first.take(redis_client, PATH) == lease
    assert first.take(redis_client, "/other.h5").fence == 1
    assert held_leases(redis_client, "unit", [PATH, "/free.h5"]) == {PATH: lease, "/free.h5": None}


def test_it_ends_when_nobody_renews_it(redis_client: redis.Redis, leases_of: Callable[..., Leases]) -> None:
    first, second = leases_of("a", lifetime_s=0.2), leases_of("b")
    lease = first.take(redis_client, PATH)
    for _ in range(4):
        time.sleep(0.1)
        assert renewed(redis_client, first, lease) == lease
    wait_until_free(redis_client)
    assert second.take(redis_client, PATH) == Lease(PATH, "b", 2)


def test_only_the_owner_renews_and_gives_back(
    redis_client: redis.Redis, leases_of: Callable[..., Leases]
) -> None:
    first, second = leases_of("a", lifetime_s=0.05), leases_of("b")
    old = first.take(redis_client, PATH)
    wait_until_free(redis_client)
    new = second.take(redis_client, PATH)
    assert renewed(redis_client, first, old) == new
    give_back(redis_client, first, old)
    assert held_leases(redis_client, "unit", [PATH])[PATH] == new
    give_back(redis_client, second, new)
    assert held_leases(redis_client, "unit", [PATH])[PATH] is None


def test_who_slept_has_it_again_when_nobody_else_had_it(
    redis_client: redis.Redis, leases_of: Callable[..., Leases]
) -> None:
    first = leases_of("a", lifetime_s=0.05)
    lease = first.take(redis_client, PATH)
    wait_until_free(redis_client)
    assert renewed(redis_client, first, lease) == lease
    assert held_leases(redis_client, "unit", [PATH])[PATH] == lease


def test_who_slept_lost_it_when_another_had_it_and_gave_it_back(
    redis_client: redis.Redis, leases_of: Callable[..., Leases]
) -> None:
    first, second = leases_of("a", lifetime_s=0.05), leases_of("b")
    old = first.take(redis_client, PATH)
    wait_until_free(redis_client)
    give_back(redis_client, second, second.take(redis_client, PATH))
    assert renewed(redis_client, first, old) is None
    assert first.take(redis_client, PATH).fence == 3


def test_a_server_that_forgot_everything_gives_it_again(
    redis_client: redis.Redis, leases_of: Callable[..., Leases]
) -> None:
    first = leases_of("a")
    lease = first.take(redis_client, PATH)
    redis_client.flushall()
    assert renewed(redis_client, first, lease) == lease


def test_who_slept_lost_it_when_a_server_forgot_everything_and_gave_it_to_another(
    redis_client: redis.Redis, leases_of: Callable[..., Leases]
) -> None:
    """Both leases are the first of the file; only their owners differ."""
    first, second = leases_of("a"), leases_of("b")
    old = first.take(redis_client, PATH)
    redis_client.flushall()
    new = second.take(redis_client, PATH)
    assert (old.fence, new.fence) == (1, 1)
    give_back(redis_client, second, new)
    assert renewed(redis_client, first, old) is None
    assert first.take(redis_client, PATH) == Lease(PATH, "a", 2)


def test_what_is_no_lease_is_nobodys(redis_client: redis.Redis, leases_of: Callable[..., Leases]) -> None:
    redis_client.set(own_keys.lease("unit", PATH), b"\xff nonsense")
    assert held_leases(redis_client, "unit", [PATH])[PATH] is None
    assert leases_of("a").take(redis_client, PATH).owner != "a"
