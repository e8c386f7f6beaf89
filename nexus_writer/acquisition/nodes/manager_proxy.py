"""A manager in another process, used as if it were here."""

from __future__ import annotations

import atexit
import logging
import pickle
from collections.abc import Hashable
from typing import Any

from nexus_writer.process import BackendDied

from .errors import CallTimeout, ManagerClosed, NodeGroupDied
from .group_link import PICKLE
from .host import GroupOwner, Host, host_types
from .local_host import CALL_TIMEOUT_S
from .log_server import LogServer
from .manager_process import ManagerProcess
from .proxies import NodeGroupProxy

__all__ = ["HostProxy", "ManagerProxy"]

ANSWER_S = 60.0
"""For requests that go through all groups, or start one."""
MARGIN_S = 5.0
"""What the manager's own time limit for a call to a group is given to arrive."""
CLOSE_S = 4.0


class ManagerProxy:
    """A Manager in a process of its own: the same methods, with proxies.

    The log records of all processes are handled by the loggers of this one. Raises ManagerClosed when the
    process is gone.
    """

    def __init__(self, auto_close_at_exit: bool = True) -> None:
        self._log_server = LogServer()
        self._process = ManagerProcess("manager", self._log_server.address, logging.getLogger().level)
        self._ending: str | None = None
        try:
            self._process.start(wait=True, timeout=ANSWER_S)
        except BaseException:
            if self._process.pid is not None:
                self._process.kill()
                self._process.join()
            self._log_server.close()
            raise
        if auto_close_at_exit:
            atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """Of the manager's process."""
        return self._process.pid

    def get_logger_info(self) -> tuple[str, int]:
        address, level = self.ask("get_logger_info")
        return address, level

    def get_host(self, address: str) -> HostProxy:
        return HostProxy(self, address, self.ask("get_host", {"address": address, "types": dict(host_types)}))

    def disconnect_host(self, host: Host | str) -> None:
        self.ask("disconnect_host", {"address": _address_of(host)})

    def list_hosts(self) -> list[HostProxy]:
        return [HostProxy(self, address, name) for address, name in self.ask("list_hosts").items()]

    def create_nodegroup(
        self, name: str | None = None, host: Host | str | None = None, qt: bool = False, **kwds: Any
    ) -> NodeGroupProxy:
        address = None if host is None else _address_of(host)
        name, key = self.ask("create_nodegroup", {"name": name, "host": address, "qt": qt, "kwds": kwds})
        return NodeGroupProxy(ManagedLink(self, name, key, kwds.get("call_timeout_s", CALL_TIMEOUT_S)))

    def list_nodegroups(self) -> list[NodeGroupProxy]:
        return [NodeGroupProxy(ManagedLink(self, name, key)) for name, key in self.ask("list_nodegroups")]

    def start_all_nodes(self) -> None:
        self.ask("start_all_nodes")

    def stop_all_nodes(self) -> None:
        self.ask("stop_all_nodes")

    def close_all_nodegroups(self, force: bool = False) -> None:
        self.ask("close_all_nodegroups", {"force": force})

    def close(self) -> None:
        """Close all node groups, end the manager's process. A second close does nothing."""
        self._ending = self._ending or "was closed"
        atexit.unregister(self.close)
        self._process.stop(timeout=CLOSE_S)
        self._log_server.close()

    def ask(self, request: str, arguments: dict[str, Any] | None = None, timeout_s: float = ANSWER_S) -> Any:
        """A request of ManagerRequests."""
        if self._ending is not None:
            raise ManagerClosed(self._ending)
        try:
            reply = self._process.call("ask", request=request, arguments=arguments or {})
            error = reply.exception(timeout_s)
        except TimeoutError:
            raise CallTimeout("the manager", request, timeout_s) from None
        except BackendDied as died:
            self._ending = self._ending or died.ending
            raise ManagerClosed(self._ending) from None
        if error is not None:
            raise error
        return reply.result()


class ManagedLink:
    """A GroupLink by way of a ManagerProxy."""

    def __init__(
        self, manager: ManagerProxy, name: str, key: Hashable, call_timeout_s: float = ANSWER_S
    ) -> None:
        self.name = name
        self.key = key
        self._manager = manager
        self._timeout_s = call_timeout_s + MARGIN_S

    def ask(self, request: str, **arguments: Any) -> Any:
        try:
            packed = pickle.dumps(arguments, PICKLE)
            asked = {"key": self.key, "request": request, "arguments": packed}
            return pickle.loads(self._manager.ask("group_ask", asked, self._timeout_s))
        except ManagerClosed:
            raise NodeGroupDied(self.name, "is gone with its manager") from None

    def alive(self) -> bool:
        try:
            return bool(self._manager.ask("group_alive", {"key": self.key}))
        except ManagerClosed:
            return False

    def close(self, force: bool = False) -> None:
        try:
            self._manager.ask("group_close", {"key": self.key, "force": force})
        except ManagerClosed:
            return


class HostProxy(Host):
    """A host that a manager in another process is connected to."""

    def __init__(self, manager: ManagerProxy, address: str, name: str) -> None:
        self.address = address
        self.name = name
        self._manager = manager

    def create_nodegroup(
        self, name: str, manager: GroupOwner | None = None, qt: bool = False, **kwds: Any
    ) -> NodeGroupProxy:
        """Of the manager that the host is connected to; ``manager`` is not used."""
        return self._manager.create_nodegroup(name, self, qt, **kwds)

    def check_spawners(self) -> list[str]:
        names: list[str] = self._manager.ask("host_check_spawners", {"address": self.address})
        return names

    def close_all_nodegroups(self, force: bool = False) -> None:
        self._manager.ask("host_close_all_nodegroups", {"address": self.address, "force": force})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HostProxy) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)


def _address_of(host: Host | str) -> str:
    if isinstance(host, str):
        return host
    if isinstance(host, HostProxy):
        return host.address
    raise TypeError(f"{host!r} is not a host of this manager: use what its get_host() returns")
