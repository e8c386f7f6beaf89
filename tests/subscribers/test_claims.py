"""Claims: what a process may still write, by its own clock and by what Redis said last."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import redis

from nexus_writer.data import EmbeddedRedis, own_keys
from nexus_writer.data.leases import Lease, Leases, held_leases
from nexus_writer.subscribers.claims import Claim, Claims, LeaseLost, now, writer_name
from tests.session_scans import until

PATH = "/data/a.h5"


def claims_of(owner: str, lifetime_s: float = 5.0) -> Claims:
    return Claims(Leases("unit", owner, lifetime_s=lifetime_s))


def renew(client: redis.Redis, claims: Claims) -> list[Claim]:
    """And give back what was dropped."""
    with client.pipeline() as pipeline:
        understand = claims.renew(pipeline)
        given_back = claims.give_back(pipeline)
        answers: list[Any] = pipeline.execute()
        given_back()
        return understand(answers)


def taken(client: redis.Redis, claims: Claims) -> Claim:
    claim = claims.take(client, PATH)
    assert isinstance(claim, Claim)
    return claim


def never() -> bool:
    return False


def test_scans_of_one_file_share_a_claim(redis_client: redis.Redis) -> None:
    claims = claims_of("a")
    first, second = taken(redis_client, claims), taken(redis_client, claims)
    assert first is second
    claims.drop(first)
    renew(redis_client, claims)
    assert held_leases(redis_client, "unit", [PATH])[PATH] == first.lease
    claims.drop(second)
    assert claims.paths == ()
    renew(redis_client, claims)
    assert held_leases(redis_client, "unit", [PATH])[PATH] is None


def test_a_file_that_is_wanted_again_is_not_given_back(redis_client: redis.Redis) -> None:
    claims = claims_of("a")
    claims.drop(taken(redis_client, claims))
    again = taken(redis_client, claims)
    renew(redis_client, claims)
    assert held_leases(redis_client, "unit", [PATH])[PATH] == again.lease


def test_another_ones_lease_is_no_claim(redis_client: redis.Redis) -> None:
    taken(redis_client, claims_of("a"))
    assert claims_of("b").take(redis_client, PATH) == Lease(PATH, "a", 1)


def test_who_slept_may_not_write_before_it_asked(redis_client: redis.Redis) -> None:
    claims = claims_of("a", lifetime_s=1.0)
    claim = taken(redis_client, claims)
    assert claim.holds()
    until(lambda: not claim.holds(), "run out")
    checked = gevent.spawn(claim.check, never)
    gevent.sleep(0.05)
    assert not checked.ready()
    assert renew(redis_client, claims) == []
    checked.get(timeout=60)


def test_a_lease_that_is_anothers_is_lost_for_good(redis_client: redis.Redis) -> None:
    claims = claims_of("a", lifetime_s=0.01)
    claim = taken(redis_client, claims)
    gevent.sleep(0.02)
    taken(redis_client, claims_of("host:12:b"))
    assert renew(redis_client, claims) == [claim]
    assert claims.paths == ()
    with pytest.raises(LeaseLost, match=r"host \(pid 12\)"):
        claim.check(never)
    claims.drop(claim)
    renew(redis_client, claims)
    assert held_leases(redis_client, "unit", [PATH])[PATH] == Lease(PATH, "host:12:b", 2)


def test_who_is_asked_to_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.claims.LAST_WAIT_S", 0.05)
    claim = Claim(Lease(PATH, "a", 1), now() - 1)
    with gevent.Timeout(60):
        claim.check(lambda: True)


def test_who_is_asked_to_end_waits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is left to write, and the end of the file, look at the claim again."""
    monkeypatch.setattr("nexus_writer.subscribers.claims.LAST_WAIT_S", 0.2)
    claim = Claim(Lease(PATH, "a", 1), now() - 1)
    began = now()
    for _ in range(20):
        claim.check(lambda: True)
    assert 0.1 <= now() - began < 3, "20 times it would be 4 s"
    claim.extend(now() - 1)
    again = now()
    claim.check(lambda: True)
    assert now() - again >= 0.1


def test_a_lost_claim_keeps_nothing_of_who_met_it() -> None:
    """What a writing frame has belongs to the writer thread; a traceback would keep it."""
    claim = Claim(Lease(PATH, "a", 1), now() + 1)
    claim.lose("b")
    kept = None

    class Item:
        pass

    def write() -> None:
        nonlocal kept
        item = Item()
        kept = weakref.ref(item)
        claim.check(never)

    with contextlib.suppress(LeaseLost):
        write()
    assert kept is not None
    assert kept() is None


def forbid(client: redis.Redis) -> None:
    client.execute_command("ACL", "SETUSER", "default", "-eval")


def fill(client: redis.Redis) -> None:
    client.config_set("maxmemory", 1)


def make_read_only(client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", 1)


def spoil(client: redis.Redis) -> None:
    for path in (PATH, "/slept"):
        client.delete(own_keys.lease("unit", path))
        client.lpush(own_keys.lease("unit", path), "x")


@pytest.mark.parametrize(
    ("refuse", "goes_on"), [(forbid, True), (fill, False), (make_read_only, False), (spoil, False)]
)
def test_who_writes_where_redis_refuses(refuse: Callable[[redis.Redis], None], goes_on: bool) -> None:
    """Where leases are never kept the locks have to do, but for who may have lost its file. A Redis that may
    recover is as one that is away."""
    with EmbeddedRedis() as server, server.client() as client:
        claims = claims_of("a", lifetime_s=5.0 if goes_on else 0.5)
        awake, slept = claims.take(client, PATH), claims.take(client, "/slept")
        assert isinstance(awake, Claim)
        assert isinstance(slept, Claim)
        slept.extend(now() - 1)
        refuse(client)
        began = now()
        while now() < began + 0.5:
            with client.pipeline(transaction=False) as pipeline:
                understand = claims.renew(pipeline)
                assert understand(pipeline.execute(raise_on_error=False)) == []
            gevent.sleep(0.05)
        assert (awake.holds(), slept.holds()) == (goes_on, False)


def test_who_never_got_a_lease_goes_on_after_a_sleep() -> None:
    with EmbeddedRedis() as server, server.client() as client:
        forbid(client)
        claims = claims_of("a")
        with pytest.raises(redis.exceptions.NoPermissionError):
            claims.take(client, PATH)
        claim = claims.presume(PATH)
        claim.extend(now() - 1)
        with client.pipeline(transaction=False) as pipeline:
            understand = claims.renew(pipeline)
            assert understand(pipeline.execute(raise_on_error=False)) == []
        assert claim.holds()
        client.execute_command("ACL", "SETUSER", "default", "+eval")
        assert renew(client, claims) == []
        assert held_leases(client, "unit", [PATH])[PATH] == claim.lease


@pytest.mark.parametrize(("writer_id", "name"), [("id00:12:ab", "id00 (pid 12)"), ("odd", "odd"), ("", "")])
def test_a_name_for_people(writer_id: str, name: str) -> None:
    assert writer_name(writer_id) == name
