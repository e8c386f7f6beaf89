"""The node groups of a host: who notices that one of them has ended, and tells its manager."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from .errors import NameTaken
from .group_link import GroupLink
from .host import GroupOwner

__all__ = ["WatchedGroups", "WatchedLink"]

log = logging.getLogger(__name__)

LOOK_S = 0.2


class WatchedLink(GroupLink, Protocol):
    """``closed``: by its program; ``ending`` tells how it ended, once that is known."""

    closed: bool
    ending: str | None


Link = TypeVar("Link", bound=WatchedLink)


class WatchedGroups(Generic[Link]):
    """By their names, for any thread. With ``polls`` deaths are noticed within half a second, by a thread
    that is there until ``take_all``. ``where`` stands in the log behind the name of a group."""

    def __init__(self, host: str, polls: bool = True, where: str = "") -> None:
        self._host, self._polls, self._where = host, polls, where
        self._groups: dict[str, tuple[Link, GroupOwner | None]] = {}
        self._making: set[str] = set()
        self._changing = threading.Lock()
        self._over = threading.Event()
        self._poller: threading.Thread | None = None

    @contextmanager
    def making(self, name: str) -> Iterator[None]:
        """Only one group of a name is made at a time: NameTaken."""
        with self._changing:
            if name in self._making:
                raise NameTaken(name)
            self._making.add(name)
        try:
            yield
        finally:
            self._making.discard(name)

    def alive(self, name: str) -> bool:
        with self._changing:
            found = self._groups.get(name)
        return found is not None and found[0].alive()

    def add(self, name: str, link: Link, manager: GroupOwner | None) -> None:
        with self._changing:
            self._groups[name] = (link, manager)
            if self._polls and self._poller is None:
                self._over = threading.Event()
                called = f"polls the host {self._host}"
                self._poller = threading.Thread(
                    target=self._poll, args=(self._over,), name=called, daemon=True
                )
                self._poller.start()

    def check(self) -> list[str]:
        """Drop those that have ended; the names of those that were not closed, whose managers are told."""
        with self._changing:
            groups = dict(self._groups)
        ended = {name: one for name, one in groups.items() if not one[0].alive()}
        with self._changing:
            ended = {name: one for name, one in ended.items() if self._groups.get(name) is one}
            for name in ended:
                del self._groups[name]
        died = {name: one for name, one in ended.items() if not one[0].closed}
        for name, (link, manager) in died.items():
            log.error("the node group %s%s %s", name, self._where, link.ending)
            if manager is not None:
                manager.nodegroup_closed(name, link.ending or "is gone")
        return list(died)

    def take_all(self) -> list[Link]:
        """All of them, for who closes them; nobody looks at them any more."""
        with self._changing:
            links = [link for link, _ in self._groups.values()]
            self._groups.clear()
            poller, self._poller = self._poller, None
            self._over.set()
        if poller is not None:
            poller.join()
        return links

    def _poll(self, over: threading.Event) -> None:
        while not over.wait(LOOK_S):
            self.check()
