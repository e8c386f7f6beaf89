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

__all__ = ["CALL_TIMEOUT_S", "LocalHost"]

log = logging.getLogger(__name__)

CALL_TIMEOUT_S = 30.0
LOOK_S = 0.2
_starting = threading.Lock()


class LocalHost(Host):
    """Its groups are processes of this program, and end with it. With ``poll_procs`` their deaths are noticed
    without being asked for, within half a second."""

    def __init__(self, name: str, poll_procs: bool = False) -> None:
        self.name = name
        self.poll_procs = poll_procs
        self._groups: dict[str, tuple[ProcessLink, GroupOwner | None]] = {}
        self._making: set[str] = set()
        self._changing = threading.Lock()
        self._log_server: LogServer | None = None
        self._over = threading.Event()
        self._poller: threading.Thread | None = None

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
        with self._changing:
            if name in self._making or (name in self._groups and self._groups[name][0].alive()):
                raise NameTaken(name)
            self._making.add(name)
            logger_info = self._own_logger_info() if manager is None else manager.get_logger_info()
        try:
            process = GroupProcess(name, *logger_info, qt)
            link = self._started(process, call_timeout_s, start_timeout_s)
            with self._changing:
                self._groups[name] = (link, manager)
                self._poll()
        finally:
            self._making.discard(name)
        return NodeGroupProxy(link)

    def check_spawners(self) -> list[str]:
        with self._changing:
            ended = {name: one for name, one in self._groups.items() if not one[0].alive()}
            for name in ended:
                del self._groups[name]
        died = {name: one for name, one in ended.items() if not one[0].closed}
        for name, (link, manager) in died.items():
            log.error("the node group %s %s", name, link.ending)
            if manager is not None:
                manager.nodegroup_closed(name, link.ending or "is gone")
        return list(died)

    def close_all_nodegroups(self, force: bool = False) -> None:
        with self._changing:
            links = [link for link, _ in self._groups.values()]
            self._groups.clear()
            poller, self._poller = self._poller, None
            server, self._log_server = self._log_server, None
            self._over.set()
        close_links(links, force)
        if poller is not None:
            poller.join()
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
        if self._log_server is None:
            self._log_server = LogServer()
        return self._log_server.address, logging.getLogger().level

    def _poll(self) -> None:
        if self.poll_procs and self._poller is None:
            self._over = threading.Event()
            name = f"polls the host {self.name}"
            self._poller = threading.Thread(target=self._look, args=(self._over,), name=name, daemon=True)
            self._poller.start()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(LOOK_S):
            self.check_spawners()
