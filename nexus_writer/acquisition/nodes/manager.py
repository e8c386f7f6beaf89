"""The hosts and node groups of a beamline, from one place."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
from typing import Any

from .errors import ManagerClosed, NameTaken, UnknownHost
from .host import Host, host_types, open_host
from .local_host import LocalHost
from .log_server import LogServer
from .proxies import NodeGroupProxy

__all__ = ["Manager"]

log = logging.getLogger(__name__)


class Manager:
    """Makes node groups on this machine, or on hosts that it is connected to. ``create_manager`` makes it.

    Any thread may use it. A group that dies is logged, and dropped from the list.
    """

    def __init__(self, logger_info: tuple[str, int] | None = None) -> None:
        """``logger_info``: of the program that made this one; None: the log records are collected here."""
        self._log_server = None if logger_info else LogServer()
        self._logger_info = logger_info
        self._default_host = LocalHost("default host", poll_procs=True)
        self._hosts: dict[str, Host] = {}
        self._groups: dict[str, NodeGroupProxy] = {}
        self._making: set[str] = set()
        self._numbers = itertools.count()
        self._changing = threading.RLock()
        self._closed = threading.Event()

    def get_logger_info(self) -> tuple[str, int]:
        """The address to which the processes send their log records, and the level from which on they do."""
        if self._logger_info is not None:
            return self._logger_info
        assert self._log_server is not None
        return self._log_server.address, logging.getLogger().level

    def get_host(self, address: str) -> Host:
        """Connect to a host, once for each address. ValueError for a kind of address that is not known."""
        return self.open_host(address, host_types)

    def open_host(self, address: str, types: dict[str, tuple[str, str]]) -> Host:
        """As ``get_host``, with types of hosts that were registered elsewhere."""
        with self._changing:
            if address not in self._hosts:
                self._hosts[address] = open_host(address, types)
            return self._hosts[address]

    def disconnect_host(self, host: Host | str) -> None:
        """Close its node groups, and forget it. UnknownHost (a KeyError)."""
        with self._changing:
            address = self._address_of(host)
            found = self._hosts.pop(address)
        found.close_all_nodegroups()

    def list_hosts(self) -> list[Host]:
        """Those of ``get_host``; this machine is not among them."""
        with self._changing:
            return list(self._hosts.values())

    def hosts(self) -> dict[str, Host]:
        """The same by their addresses."""
        with self._changing:
            return dict(self._hosts)

    def create_nodegroup(
        self, name: str | None = None, host: Host | str | None = None, qt: bool = False, **kwds: Any
    ) -> NodeGroupProxy:
        """On this machine unless there is a ``host``, whose ``create_nodegroup`` gets ``kwds``. NameTaken."""
        with self._changing:
            if self._closed.is_set():
                raise ManagerClosed("was closed")
            maker = self._default_host if host is None else self._hosts[self._address_of(host)]
            name = self._free_name() if name is None else name
            if self._is_taken(name):
                raise NameTaken(name)
            self._making.add(name)
        try:
            group = maker.create_nodegroup(name, self, qt, **kwds)
        finally:
            self._making.discard(name)
        with self._changing:
            if not self._closed.is_set():
                self._groups[name] = group
                return group
        group.close()
        raise ManagerClosed("was closed")

    def nodegroup_closed(self, name: str, ending: str) -> None:
        """For hosts: a group has ended that nobody closed."""
        with self._changing:
            group = self._groups.get(name)
            if group is not None and not group.alive():
                del self._groups[name]

    def list_nodegroups(self) -> list[NodeGroupProxy]:
        """Those whose processes are there."""
        with self._changing:
            self._groups = {name: group for name, group in self._groups.items() if group.alive()}
            return list(self._groups.values())

    def start_all_nodes(self) -> None:
        """Of all groups, the last one first. All or none: if one fails, the groups before it are stopped."""
        started: list[NodeGroupProxy] = []
        try:
            for group in reversed(self.list_nodegroups()):
                group.start_all_nodes()
                started.append(group)
        except BaseException:
            for group in reversed(started):
                with contextlib.suppress(Exception):
                    group.stop_all_nodes()
            raise

    def stop_all_nodes(self) -> None:
        """Of all groups, the first one first. Raises what the first failure was, when all were stopped."""
        first: Exception | None = None
        for group in self.list_nodegroups():
            try:
                group.stop_all_nodes()
            except Exception as error:
                log.error("stopping the nodes of %s failed: %s", group.name, error)
                first = first or error
        if first is not None:
            raise first

    def close_all_nodegroups(self, force: bool = False) -> None:
        """Of all hosts; with ``force``, without closing their nodes. Raises what the first failure was, when
        all were closed."""
        with self._changing:
            hosts = [self._default_host, *self._hosts.values()]
            self._groups.clear()
        first: Exception | None = None
        for host in hosts:
            try:
                host.close_all_nodegroups(force)
            except Exception as error:
                log.error("closing the node groups of %s failed: %s", host.name, error)
                first = first or error
        if first is not None:
            raise first

    def close(self) -> None:
        """Close all node groups. A second close does nothing."""
        with self._changing:
            if self._closed.is_set():
                return
            self._closed.set()
        try:
            self.close_all_nodegroups()
        finally:
            if self._log_server is not None:
                self._log_server.close()

    def _free_name(self) -> str:
        names = (f"nodegroup_{number}" for number in self._numbers)
        return next(name for name in names if not self._is_taken(name))

    def _is_taken(self, name: str) -> bool:
        return name in self._making or (name in self._groups and self._groups[name].alive())

    def _address_of(self, host: Host | str) -> str:
        for address, known in self._hosts.items():
            if host in (address, known):
                return address
        raise UnknownHost(host if isinstance(host, str) else host.name)
