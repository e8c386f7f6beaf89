"""A real Redis server for tests: one per test session, and an empty one for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from nexus_writer.data.embedded import EmbeddedRedis

CAPTURES = Path(__file__).parent / "data" / "captures"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """The server that all tests of this run share; use ``redis_url`` for one that is empty."""
    with EmbeddedRedis() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """URL of database 1 of an empty server."""
    redis_server.start()
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A plain client of an empty database 1."""
    with redis.Redis.from_url(redis_url, protocol=2) as client:
        yield client


@pytest.fixture
def captures() -> Path:
    """Folder of the recorded scans: ``captures / "loopscan10" / "timeline.jsonl.gz"``."""
    return CAPTURES
