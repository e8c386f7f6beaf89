"""What a session writer keeps to tell the others of its session, and what it hears from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from nexus_writer.data import EmbeddedRedis, SessionPublisher, own_keys
from nexus_writer.data.roster import statuses_of
from nexus_writer.subscribers import NexusSessionWriter, read_options
from nexus_writer.subscribers.crew import Crew
from tests.session_scans import begin, publish, run_scan, saved, until, until_points

SESSION = "optional"


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    """One of its own, whose access list and data are spoiled."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def writer(server: EmbeddedRedis) -> Iterator[NexusSessionWriter]:
    chosen = read_options({"required_disk_space": 0, "flush_period_s": 0.05})
    writer = NexusSessionWriter(SESSION, chosen, redis_url=server.url)
    yield writer
    assert writer.shut_down(10)


def forbid_scripts(client: redis.Redis) -> None:
    client.execute_command("ACL", "SETUSER", "default", "-eval")


def forbid_all_but_reading(client: redis.Redis) -> None:
    client.execute_command("ACL", "SETUSER", "default", "-eval", "-rpush", "-lrange", "-sadd")


@pytest.mark.parametrize("refuse", [forbid_scripts, forbid_all_but_reading])
def test_where_redis_keeps_no_leases_nothing_heaps_up(
    refuse: Callable[[redis.Redis], None], server: EmbeddedRedis, writer: NexusSessionWriter, tmp_path: Path
) -> None:
    """A server runs for months: what it cannot tell, or give back, it forgets."""
    with server.client() as client:
        dataset = SessionPublisher(client, SESSION).dataset(tmp_path, "hg123", "sample")
        refuse(client)
        writer.start(wait=True, timeout=60)
        for key in [run_scan(dataset).key for _ in range(2)]:
            saved(writer, key)
        crew = writer._crew
        until(lambda: not crew.claims.paths, "the claims are dropped")
        writer.purge(0)
        until(lambda: not kept(crew), "nothing is kept")
        if refuse is forbid_scripts:
            key = run_scan(dataset).key
            until(lambda: key in statuses_of(client, SESSION, crew.id), "its scans are told of")


def test_a_lease_that_cannot_be_renewed_does_not_keep_what_is_said_of_other_scans(
    server: EmbeddedRedis, writer: NexusSessionWriter, tmp_path: Path
) -> None:
    with server.client() as client:
        session = SessionPublisher(client, SESSION)
        writer.start(wait=True, timeout=60)
        spoiled = begin(session.dataset(tmp_path, "hg123", "spoiled"))
        until_points(writer, spoiled.key, 6)
        lease = own_keys.lease(SESSION, spoiled.filename)
        client.delete(lease)
        client.lpush(lease, "x")
        scan = run_scan(session.dataset(tmp_path, "hg123", "sample"))
        saved(writer, scan.key)
        crew = writer._crew
        until(lambda: client.exists(own_keys.outcome(SESSION, scan.key)), "told")
        until(lambda: not kept(crew), "nothing is kept")
        assert crew.claims.paths == (spoiled.filename,)
        client.delete(lease)
        publish(spoiled, 2)
        spoiled.end()
        saved(writer, spoiled.key)


def kept(crew: Crew) -> list[object]:
    """What is to be said, or given back, still."""
    return [*crew.claims._returned, *crew._own._outcomes, *crew._own._forgotten]
