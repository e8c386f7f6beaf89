"""Keys of Redis that are of another type than a beamline makes: they cost their scan, and no other one."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import redis

from nexus_writer.data.publishing import DatasetPublisher
from nexus_writer.subscribers import NexusSessionWriter
from tests.session_scans import run_scan, saved, until

Maker = Callable[..., NexusSessionWriter]


def announce_spoiled(client: redis.Redis, dataset: DatasetPublisher, what: str) -> str:
    """A scan of the dataset, one of whose keys is a text; its key."""
    parent = dataset.key
    key = f"{parent}:spoiled"
    node = {"version": "v1.1", "node_type": "scan", "name": "spoiled", "db_name": key, "parent": parent}
    info = {"save": True, "filename": str(dataset.policy.filename), "start_timestamp": 1.5e9, "scan_nb": 77}
    client.hset(key, mapping=node)
    client.hset(f"{key}_info", mapping={name: pickle.dumps(value) for name, value in info.items()})
    client.delete(f"{key}{what}")
    client.set(f"{key}{what}", "x")
    client.xadd(f"{parent}_children_list", {"__EVENT__": "NEW_NODE", "db_name": key})
    return key


def assert_saves_others(writer: NexusSessionWriter, keys: list[str]) -> None:
    for key in keys:
        saved(writer, key)
    assert writer.state.name == "ON", writer.reason


@pytest.mark.parametrize("what", ["", "_info", "_children_list", "_end"])
def test_a_scan_that_is_announced(
    what: str,
    writer_with: Maker,
    sample: DatasetPublisher,
    redis_client: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    writer = writer_with()
    first = run_scan(sample)
    key = announce_spoiled(redis_client, sample, what)
    assert_saves_others(writer, [first.key, run_scan(sample).key])
    if what == "_info":
        until(lambda: f"{key} is not saved: WRONGTYPE" in caplog.text, "said")


@pytest.mark.parametrize("what", ["", "_info", "_children_list", "_end"])
def test_a_scan_that_is_found_by_looking_back(
    what: str, writer_with: Maker, sample: DatasetPublisher, redis_client: redis.Redis
) -> None:
    first = run_scan(sample)
    announce_spoiled(redis_client, sample, what)
    second = run_scan(sample)
    assert_saves_others(writer_with(), [first.key, second.key])
