"""Ports for servers that are told theirs before they listen, or come back to the same one later."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_LOWEST = 15_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_chance = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens now.

    It is below the range of which the system gives ports to those that do not ask for a certain one: nobody
    gets it by chance before it is used, or while its server is away.
    """
    stop = _first_given_away()
    while not _is_free(port := _chance.randrange(_LOWEST, stop)):
        pass
    return port


def _first_given_away() -> int:
    try:
        first = int(_RANGE.read_text().split()[0])
    except OSError:
        return 32_768
    return first if first > _LOWEST + 1000 else 65_536


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
