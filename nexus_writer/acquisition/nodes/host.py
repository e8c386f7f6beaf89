"""A machine on which node groups can be made."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from typing import Any, Protocol

from .proxies import NodeGroupProxy

__all__ = ["GroupOwner", "Host", "host_types", "open_host", "register_host_type"]


class GroupOwner(Protocol):
    """What a host needs of a manager."""

    def get_logger_info(self) -> tuple[str, int]:
        """Where the log records of a group's process go, and from which level on."""

    def nodegroup_closed(self, name: str, ending: str) -> None:
        """A group has ended that nobody closed."""


class Host(ABC):
    """Makes and ends node groups. ``Host(name, poll_procs)`` is the LocalHost of that name."""

    name: str

    def __new__(cls, *args: Any, **kwargs: Any) -> Host:
        if cls is Host:
            from .local_host import LocalHost

            return object.__new__(LocalHost)
        return object.__new__(cls)

    @abstractmethod
    def create_nodegroup(
        self, name: str, manager: GroupOwner | None = None, qt: bool = False, **kwds: Any
    ) -> NodeGroupProxy:
        """A new group, ready to be asked."""

    @abstractmethod
    def check_spawners(self) -> list[str]:
        """The names of the groups that have ended since the last look, and were not closed; their managers
        are told."""

    @abstractmethod
    def close_all_nodegroups(self, force: bool = False) -> None:
        """End all groups of this host; with ``force``, without closing their nodes."""


host_types: dict[str, tuple[str, str]] = {"tango": ("tango_server.node_hosts", "TangoHost")}


def register_host_type(scheme: str, modname: str, factory: str) -> None:
    """From now on ``get_host("scheme://...")`` calls ``factory`` of that module with the address: a Host.

    It is given by name, as the manager may be in another process, which imports the module by itself.
    """
    host_types[scheme] = (modname, factory)


def open_host(address: str, types: dict[str, tuple[str, str]]) -> Host:
    """ValueError for a type of host that is not registered; what its factory raises."""
    scheme, separator, _ = address.partition("://")
    if not separator or scheme not in types:
        known = ", ".join(f"{scheme}://" for scheme in types) or "none is registered"
        raise ValueError(f"no type of host has addresses like {address!r} ({known}): use register_host_type")
    modname, factory = types[scheme]
    host: Host = getattr(importlib.import_module(modname), factory)(address)
    return host
