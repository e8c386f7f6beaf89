"""Connections of readers that are done, for those that come.

A session has a reader for each of its scans, and to connect (a socket, and a round trip for each of name,
database and password) takes as much as a small scan is read in.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import redis
from redis.connection import ConnectionPool

MOST_KEPT = 8
KEPT_S = 60.0
"""One that nobody used for longer may be cut off by a firewall: nothing tells that but a time-out."""
_Place = tuple[int, int]


class SparePool(ConnectionPool):
    """The pool of a client, which keeps the spare connections of its readers, too: until it is closed.

    Each is for the process and the thread that gave it, whose hub a socket of gevent's belongs to.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._spares: list[tuple[_Place, float, Any]] = []
        self._spares_lock = threading.Lock()
        self._closed = False

    def take_spare(self) -> Any | None:
        """A connection on which nothing is under way; None where there is none."""
        place = _here()
        while True:
            with self._spares_lock:
                at = next((n for n, spare in enumerate(self._spares) if spare[0] == place), None)
                if at is None:
                    return None
                _, since_s, connection = self._spares.pop(at)
            if time.monotonic() - since_s < KEPT_S and _is_sound(connection):
                return connection
            end(connection)

    def give_spare(self, connection: Any) -> None:
        """A connection whose last reply was read as a whole."""
        with self._spares_lock:
            if not self._closed and len(self._spares) < MOST_KEPT:
                self._spares.append((_here(), time.monotonic(), connection))
                return
        end(connection)

    def disconnect(self, inuse_connections: bool = True) -> None:
        """All that are here, also the spare ones; those that readers have stay theirs."""
        with self._spares_lock:
            self._closed = True
            spares, self._spares = self._spares, []
        for _, _, connection in spares:
            end(connection)
        super().disconnect(inuse_connections)


def end(connection: Any) -> None:
    """Disconnect it for good. Its parser keeps a method of its own, and with that itself and 64 kB of buffer,
    until the garbage collector comes: not so here."""
    connection.disconnect()
    parser: Any = getattr(connection, "_parser", None)
    if hasattr(parser, "pubsub_push_handler_func"):
        parser.pubsub_push_handler_func = None


def _here() -> _Place:
    return os.getpid(), threading.get_ident()


def _is_sound(connection: Any) -> bool:
    """Whether the server has not closed it, nor sent what nobody asked for."""
    try:
        return not connection.can_read(0)
    except (redis.RedisError, OSError):
        return False
