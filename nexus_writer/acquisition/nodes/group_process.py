"""A node group in a process of its own."""

from __future__ import annotations

import pickle

from .collected_process import CollectedProcess
from .group_requests import GroupRequests
from .node_group import NodeGroup
from .qt import run_qt

__all__ = ["GroupProcess"]


class GroupProcess(CollectedProcess):
    """Answers GroupRequests, one by one, in its main thread. At its end its nodes are closed."""

    _requests: GroupRequests

    def __init__(self, name: str, log_address: str, log_level: int, qt: bool) -> None:
        super().__init__(name, log_address, log_level)
        self.qt = qt

    def preRun__(self) -> None:
        super().preRun__()
        self._requests = GroupRequests(NodeGroup())

    def postRun__(self) -> None:
        self._requests.group.close()

    def serve__(self) -> None:
        if not self.qt:
            super().serve__()
            return
        self._tell_start(None)
        run_qt(self.back_pipe.fileno(), self._take, self._life.ended_by)

    def c__ready(self) -> None:
        """Answered when the process has begun."""

    def c__ask(self, request: str, arguments: bytes) -> bytes:
        """Both are pickles: see ProcessLink."""
        return pickle.dumps(self._requests.ask(request, pickle.loads(arguments)), pickle.HIGHEST_PROTOCOL)

    def _take(self) -> bool:
        self.handleBackPipe__(self.back_pipe)
        return self.loop
