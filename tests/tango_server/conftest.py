"""Real servers: a Tango database, and a device that serves an empty session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tango

from nexus_writer.data.embedded import EmbeddedRedis

from .servers import Beamline, Database, Server, serving

SESSION = "demo_session"


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A Tango database for all tests of the run: each uses names of its own."""
    server = Database(tmp_path_factory.mktemp("tango_database"))
    yield server
    server.stop()


@pytest.fixture
def server(redis_url: str, tmp_path: Path) -> Iterator[Server]:
    """A device without database that listens to ``SESSION``."""
    options = ("--nodb", "--session", SESSION, "--redis", redis_url, "--log=info")
    with serving(tmp_path / "server", *options) as running:
        yield running


@pytest.fixture
def device(server: Server) -> tango.DeviceProxy:
    """A client of that device."""
    return server.proxy()


@pytest.fixture(scope="session")
def idle_device(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tango.DeviceProxy]:
    """A device whose session never appears, for all tests that need no scan; do not stop it."""
    options = ("--nodb", "--session=idle", "--redis", redis_server.url, "--log=info")
    with serving(tmp_path_factory.mktemp("idle"), *options) as running:
        yield running.proxy()


@pytest.fixture
def beamline(redis_url: str, tmp_path: Path) -> Iterator[Beamline]:
    """The session ``SESSION``, saved below ``tmp_path / "data"``."""
    session = Beamline(redis_url, SESSION, tmp_path / "data")
    yield session
    session.close()
