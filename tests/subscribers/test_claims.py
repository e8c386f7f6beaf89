"""Claims: what a process may still write, by its own clock and by what Redis said last."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
import redis

from nexus_writer.data.leases import Lease, Leases, held_leases
from nexus_writer.subscribers.claims import Claim, Claims, LeaseLost, now, writer_name

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
    claims = claims_of("a", lifetime_s=0.15)
    claim = taken(redis_client, claims)
    assert claim.holds()
    gevent.sleep(0.06)
    assert not claim.holds()
    checked = gevent.spawn(claim.check, never)
    gevent.sleep(0.05)
    assert not checked.ready()
    assert renew(redis_client, claims) == []
    checked.get(timeout=1)


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
    with gevent.Timeout(1):
        claim.check(lambda: True)


@pytest.mark.parametrize(("writer_id", "name"), [("id00:12:ab", "id00 (pid 12)"), ("odd", "odd"), ("", "")])
def test_a_name_for_people(writer_id: str, name: str) -> None:
    assert writer_name(writer_id) == name
