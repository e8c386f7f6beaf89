"""Ports that no other worker of the same run takes."""

from __future__ import annotations

import os

from nexus_writer.data import ports

_WORKERS = 16
_given: set[int] = set()


def free_port() -> int:
    """On 127.0.0.1; nobody listens on it now, and no other test gets it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    while (port := ports.free_port()) % _WORKERS != worker % _WORKERS or port in _given:
        pass
    _given.add(port)
    return port
