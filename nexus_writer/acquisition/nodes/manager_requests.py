"""What a manager may be asked for from another process: a closed list of requests, by name."""

from __future__ import annotations

import pickle
from collections.abc import Hashable
from typing import Any

from .errors import NodeGroupDied
from .group_link import PICKLE, ProcessLink
from .host import Host
from .manager import Manager
from .proxies import NodeGroupProxy

__all__ = ["REQUESTS", "ManagerRequests"]

REQUESTS = (
    "get_logger_info",
    "get_host",
    "disconnect_host",
    "list_hosts",
    "create_nodegroup",
    "list_nodegroups",
    "start_all_nodes",
    "stop_all_nodes",
    "close_all_nodegroups",
    "group_ask",
    "group_alive",
    "group_close",
    "host_check_spawners",
    "host_close_all_nodegroups",
)


class ManagerRequests:
    """Requests to a Manager: ``ask(request, arguments)``, from any thread. Groups are known by their keys."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self._groups: dict[Hashable, NodeGroupProxy] = {}

    def ask(self, request: str, arguments: dict[str, Any]) -> Any:
        """Raises what the manager raises; ValueError for what is no request."""
        if request not in REQUESTS:
            raise ValueError(f"a manager has no request {request!r}: it has {', '.join(REQUESTS)}")
        return getattr(self, request)(**arguments)

    def get_logger_info(self) -> tuple[str, int]:
        return self.manager.get_logger_info()

    def get_host(self, address: str, types: dict[str, tuple[str, str]]) -> str:
        return self.manager.open_host(address, types).name

    def disconnect_host(self, address: str) -> None:
        self.manager.disconnect_host(address)

    def list_hosts(self) -> dict[str, str]:
        return {address: host.name for address, host in self.manager.hosts().items()}

    def create_nodegroup(
        self, name: str | None, host: str | None, qt: bool, kwds: dict[str, Any]
    ) -> tuple[str, Hashable]:
        return self._known(self.manager.create_nodegroup(name, host, qt, **kwds))

    def list_nodegroups(self) -> list[tuple[str, Hashable]]:
        return [self._known(group) for group in self.manager.list_nodegroups()]

    def start_all_nodes(self) -> None:
        self.manager.start_all_nodes()

    def stop_all_nodes(self) -> None:
        self.manager.stop_all_nodes()

    def close_all_nodegroups(self, force: bool) -> None:
        self.manager.close_all_nodegroups(force)

    def group_ask(self, key: Hashable, request: str, arguments: bytes) -> bytes:
        """Arguments and answer are pickles, which are not opened on their way to a process of this one."""
        link = self._group(key).link
        if isinstance(link, ProcessLink):
            return link.ask_packed(request, arguments)
        return pickle.dumps(link.ask(request, **pickle.loads(arguments)), PICKLE)

    def group_alive(self, key: Hashable) -> bool:
        return key in self._groups and self._groups[key].alive()

    def group_close(self, key: Hashable, force: bool) -> None:
        """It is forgotten then."""
        if key in self._groups:
            self._groups[key].close(force)
            self._groups.pop(key, None)

    def host_check_spawners(self, address: str) -> list[str]:
        return self._host(address).check_spawners()

    def host_close_all_nodegroups(self, address: str, force: bool) -> None:
        self._host(address).close_all_nodegroups(force)

    def _known(self, group: NodeGroupProxy) -> tuple[str, Hashable]:
        self._groups[group.link.key] = group
        return group.name, group.link.key

    def _group(self, key: Hashable) -> NodeGroupProxy:
        if key not in self._groups:
            name = key[0] if isinstance(key, tuple) else key
            raise NodeGroupDied(str(name), "was closed, or is not of this manager")
        return self._groups[key]

    def _host(self, address: str) -> Host:
        return self.manager.hosts()[address]
