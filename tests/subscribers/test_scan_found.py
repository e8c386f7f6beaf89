"""What is known of a scan before it is read."""

from __future__ import annotations

import pytest
import redis

from nexus_writer.data.connection import connect
from nexus_writer.subscribers.scan_found import find_scan
from tests.data_room.by_hand import HandPublisher


@pytest.mark.parametrize("plain", [True, False])
def test_the_infos_of_dataset_collection_and_proposal(
    plain: bool, redis_client: redis.Redis, redis_url: str
) -> None:
    """By keys as BLISS has them, and by any others."""
    publisher = HandPublisher(redis_client)
    parent = "session"
    for level, node_type in enumerate(("container", "proposal", "dataset_collection", "dataset", "scan")):
        key = f"{parent}:{node_type}" if plain else f"other{level}"
        parent = publisher.add(key, node_type, {"of": node_type}, parent=parent)
    client = connect(redis_url)
    found = find_scan(parent, client)
    assert found.info.decode() == {"of": "scan"}
    wanted = ["dataset", "dataset_collection", "proposal"]
    assert [above.get("of") for above in found.parents] == wanted
    client.close()


def test_a_scan_of_no_dataset(redis_client: redis.Redis, redis_url: str) -> None:
    scan = HandPublisher(redis_client).scan()
    client = connect(redis_url)
    assert find_scan(scan, client).parents == ()
    assert find_scan("gone", client).info.fields == {}
    client.close()


def test_a_key_that_is_no_node_is_told(redis_client: redis.Redis, redis_url: str) -> None:
    """Where it is the scan's, or above it; not where only its name is."""
    publisher = HandPublisher(redis_client)
    redis_client.set("other:level", "x")
    scan = publisher.add("other:level:scan", "scan", {"title": "a"}, parent="session")
    client = connect(redis_url)
    assert find_scan(scan, client).info.get("title") == "a"
    redis_client.hset(scan, "parent", "other:level")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        find_scan(scan, client)
    client.close()
