"""Servers that only the tests of connections need."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from nexus_writer.data.embedded import server_binary

START_TIMEOUT_S = 60


@pytest.fixture(scope="session")
def unix_redis_url() -> Iterator[str]:
    """URL of database 1 of a server that listens on a unix socket only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "redis.sock"
        options = [
            "--port",
            "0",
            "--unixsocket",
            str(path),
            "--save",
            "",
            "--dir",
            folder,
            "--loglevel",
            "warning",
        ]
        server = subprocess.Popen([server_binary(), *options], stdout=subprocess.DEVNULL)
        try:
            wait_for(path)
            yield f"unix://{path}?db=1"
        finally:
            server.terminate()
            server.wait()


def wait_for(path: Path) -> None:
    """Return when a Redis server answers on this unix socket."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with redis.Redis(unix_socket_path=str(path), protocol=2) as client:
                client.ping()
                return
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
