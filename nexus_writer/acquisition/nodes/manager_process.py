"""A manager in a process of its own: its node groups are that one's children."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .collected_process import CollectedProcess
from .manager import Manager
from .manager_requests import ManagerRequests

__all__ = ["ManagerProcess"]

THREADS = 64


class ManagerProcess(CollectedProcess):
    """Answers the requests of ManagerRequests, each in a thread: one that takes long holds up no other."""

    _requests: ManagerRequests
    _threads: ThreadPoolExecutor

    def preRun__(self) -> None:
        super().preRun__()
        self._requests = ManagerRequests(Manager((self.log_address, self.log_level)))
        self._threads = ThreadPoolExecutor(THREADS, "request")

    def postRun__(self) -> None:
        self._requests.manager.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def c__ask(self, request: str, arguments: dict[str, Any]) -> Future[Any]:
        return self._threads.submit(self._requests.ask, request, arguments)
