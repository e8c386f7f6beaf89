"""Session writers with options of their own, and the datasets of their session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import DatasetPublisher
from nexus_writer.subscribers import NexusSessionWriter, read_options

SESSION = "optional"


@pytest.fixture
def writer_with(redis_url: str) -> Iterator[Callable[..., NexusSessionWriter]]:
    """Makes a writer that listens to the session, with the options given."""
    writers: list[NexusSessionWriter] = []

    def make(**options: Any) -> NexusSessionWriter:
        chosen = read_options({"required_disk_space": 0, "flush_period_s": 0.05, **options})
        writer = NexusSessionWriter(SESSION, chosen, redis_url=redis_url)
        writers.append(writer)
        writer.start(wait=True, timeout=60)
        return writer

    yield make
    for writer in writers:
        assert writer.shut_down(10)


@pytest.fixture
def session(redis_client: redis.Redis) -> SessionPublisher:
    return SessionPublisher(redis_client, SESSION)


@pytest.fixture
def sample(session: SessionPublisher, tmp_path: Path) -> DatasetPublisher:
    """A dataset of the ESRF's data policy."""
    return session.dataset(tmp_path, "hg123", "sample")
