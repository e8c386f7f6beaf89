"""This machine."""

from __future__ import annotations

import logging
import threading
from typing import Any

from .errors import NameTaken
from .group_link import ProcessLink, close_links
from .group_process import GroupProcess
from .host import GroupOwner, Host
from .log_server import LogServer
from .proxies import NodeGroupProxy
from .qt import check_qt
from .watched_groups import WatchedGroups

__all__ = ["CALL_TIMEOUT_S", "LocalHost"]

CALL_TIMEOUT_S = 30.0
_starting = threading.Lock()


class LocalHost(Host):
    """Its groups are processes of this program, and end with it. With ``poll_procs`` their deaths are noticed
    without being asked for, within half a second."""

    def __init__(self, name: str, poll_procs: bool = False) -> None:
        self.name = name
        self.poll_procs = poll_procs
        self._groups = WatchedGroups[ProcessLink](name, poll_procs)
        self._changing = threading.Lock()
        self._log_server: LogServer | None = None

    def create_nodegroup(
        self,
        name: str,
        manager: GroupOwner | None = None,
        qt: bool = False,
        *,
        call_timeout_s: float = CALL_TIMEOUT_S,
        start_timeout_s: float = 30.0,
        **kwds: Any,
    ) -> NodeGroupProxy:
        """NameTaken (a KeyError), QtMissing. Calls to the group take ``call_timeout_s`` at most."""
        if kwds:
            raise TypeError(f"a node group of this host has no option {next(iter(kwds))!r}")
        if qt:
            check_qt()
        with self._groups.making(name):
            if self._groups.alive(name):
                raise NameTaken(name)
            logger_info = self._own_logger_info() if manager is None else manager.get_logger_info()
            process = GroupProcess(name, *logger_info, qt)
            link = self._started(process, call_timeout_s, start_timeout_s)
            self._groups.add(name, link, manager)
        return NodeGroupProxy(link)

    def check_spawners(self) -> list[str]:
        return self._groups.check()

    def close_all_nodegroups(self, force: bool = False) -> None:
        close_links(self._groups.take_all(), force)
        with self._changing:
            server, self._log_server = self._log_server, None
        if server is not None:
            server.close()

    def _started(self, process: GroupProcess, call_timeout_s: float, start_timeout_s: float) -> ProcessLink:
        """Several at a time: only the making of the process is for one at a time."""
        try:
            with _starting:
                process.start()
            process.call("ready").result(start_timeout_s)
        except BaseException:
            if process.pid is not None:
                process.kill()
                process.join()
            raise
        return ProcessLink(process, call_timeout_s)

    def _own_logger_info(self) -> tuple[str, int]:
        with self._changing:
            if self._log_server is None:
                self._log_server = LogServer()
            return self._log_server.address, logging.getLogger().level
