"""The way to a node group in another process.

Arguments and answers travel as bytes within the messages: what can not be made anew on the other side is then
an error of one call, not of the process; and a manager in between hands them on as they are.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable
from typing import Any, Protocol

from nexus_writer.process import BackendDied, stop_all

from .errors import CallTimeout, NodeGroupDied
from .group_process import GroupProcess

__all__ = ["PICKLE", "GroupLink", "ProcessLink", "close_links"]

CLOSE_S = 3.0
PICKLE = pickle.HIGHEST_PROTOCOL


class GroupLink(Protocol):
    """What a NodeGroupProxy needs. ``key`` is this group's alone; a later one of its name has another."""

    name: str
    key: Hashable

    def ask(self, request: str, **arguments: Any) -> Any:
        """A request of GroupRequests, within a bounded time. NodeGroupDied within a second of the group's
        death; CallTimeout; what the request raises."""

    def alive(self) -> bool:
        """Can it still be asked?"""

    def close(self, force: bool = False) -> None:
        """End the group; with ``force``, without closing its nodes."""


class ProcessLink:
    """To a GroupProcess of this program. ``ending`` tells how it ended, once it has."""

    def __init__(self, process: GroupProcess, call_timeout_s: float) -> None:
        self.name = process.name
        self.key: Hashable = (process.name, process.pid)
        self.call_timeout_s = call_timeout_s
        self.ending: str | None = None
        self.closed = False
        self._process: GroupProcess | None = process

    def ask(self, request: str, **arguments: Any) -> Any:
        return pickle.loads(self.ask_packed(request, pickle.dumps(arguments, PICKLE)))

    def ask_packed(self, request: str, arguments: bytes) -> bytes:
        """The same with the arguments, a dictionary, and the answer as pickles."""
        process = self._process
        if process is None:
            raise NodeGroupDied(self.name, self.ending or "is gone")
        try:
            reply = process.call("ask", request=request, arguments=arguments)
            error = reply.exception(self.call_timeout_s)
        except TimeoutError:
            raise CallTimeout(f"the node group {self.name}", request, self.call_timeout_s) from None
        except BackendDied as died:
            self.ended(died.ending)
            raise NodeGroupDied(self.name, self.ending or "is gone") from None
        if error is not None:
            raise error
        answer: bytes = reply.result()
        return answer

    def alive(self) -> bool:
        process = self._process
        if process is None:
            return False
        if process.is_alive():
            return True
        self.ended(BackendDied(self.name, process.exitcode).ending)
        return False

    def close(self, force: bool = False) -> None:
        close_links([self], force)

    def ended(self, ending: str) -> None:
        """The first that is told is kept; the process is let go, with its descriptors."""
        self.ending = self.ending or ending
        self._process = None

    def taken(self) -> GroupProcess | None:
        """The process, for who ends it; from now on the group is closed."""
        process = self._process
        self.closed = self.closed or process is not None
        self.ended("was closed")
        return process


def close_links(links: list[ProcessLink], force: bool) -> None:
    """All together: within 3 s if their nodes allow it, within 4 s in any case."""
    processes = [process for process in (link.taken() for link in links) if process is not None]
    if force:
        for process in processes:
            process.kill()
    stop_all(processes, CLOSE_S)
    for process in processes:
        process.join()
