"""Ending a walk that waits, from elsewhere."""

from __future__ import annotations

import threading

from nexus_writer.data.link import Link


class StopHandler:
    """Hand it to walks; ``stop`` from any thread or greenlet ends them, also where they wait for Redis."""

    def __init__(self) -> None:
        self._links: set[Link] = set()
        self._stopped = False
        self._lock = threading.Lock()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """For good: a walk that gets this handler later ends at once."""
        with self._lock:
            self._stopped = True
            links = list(self._links)
        for link in links:
            link.interrupt()

    def attach(self, link: Link) -> None:
        """A walk reads by ``link`` from now on, as long as it is not ``stopped``."""
        with self._lock:
            self._links.add(link)

    def detach(self, link: Link) -> None:
        with self._lock:
            self._links.discard(link)


DataStreamReaderStopHandler = StopHandler
"""As blissdata 0.3 calls it."""
