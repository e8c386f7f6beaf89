"""A host on which a Tango Starter makes node groups."""

from __future__ import annotations

import contextlib
import re
import time
from typing import Any

import tango

from nexus_writer.acquisition.errors import AcquisitionError
from nexus_writer.acquisition.nodes.errors import NameTaken
from nexus_writer.acquisition.nodes.host import GroupOwner, Host
from nexus_writer.acquisition.nodes.proxies import NodeGroupProxy
from nexus_writer.acquisition.nodes.watched_groups import WatchedGroups

from ..group_service import PROGRAM
from .group_link import TangoLink

CALL_TIMEOUT_S = 30.0
START_TIMEOUT_S = 60.0
STARTER_TIMEOUT_MS = 5000
LOOK_S = 0.2
FAMILY = "nxacq"
NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
ALREADY_RUNNING = "ALREADY_RUNNING"
"""What a Starter says of a server that it has started, also when it does not answer yet."""
STARTED_BY_HAND = 0
"""Starter's level of servers that it does not start by itself when the host boots."""


class TangoHostMissing(AcquisitionError, ConnectionError):
    """No Starter answers at an address."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"no Starter answers at {address} ({why}): give tango://tango/admin/HOST, or "
            "tango://DATABASE:PORT/tango/admin/HOST, of a host on which a Starter runs"
        )


class GroupNotStarted(AcquisitionError, RuntimeError):
    """The Starter could not start a node group, or it did not come up."""

    def __init__(self, name: str, host: str, why: str) -> None:
        super().__init__(
            f"the node group {name} was not started on {host}: {why}; is the directory of the program "
            f"{PROGRAM} in the property StartDsPath of its Starter?"
        )


class TangoHost(Host):
    """By the address of its Starter, ``tango://tango/admin/HOST``; for any thread.

    A group is the server ``NxAcqGroup/NAME`` with the device ``nxacq/HOST/NAME``. It outlives the program
    that made it: ``open_nodegroup`` finds it again, and ``close`` ends it.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.name = address.rpartition("/")[2]
        path = address.removeprefix("tango://")
        try:
            self._starter = tango.DeviceProxy(address if path.count("/") > 2 else path)
            self._starter.set_timeout_millis(STARTER_TIMEOUT_MS)
            self._starter.ping()
            self._database = tango.Database(self._starter.get_db_host(), int(self._starter.get_db_port()))
        except tango.DevFailed as error:
            raise TangoHostMissing(address, error.args[0].desc.strip()) from None
        self._groups = WatchedGroups[TangoLink](self.name, where=f" on {self.name}")

    def create_nodegroup(
        self,
        name: str,
        manager: GroupOwner | None = None,
        qt: bool = False,
        *,
        call_timeout_s: float = CALL_TIMEOUT_S,
        start_timeout_s: float = START_TIMEOUT_S,
        **kwds: Any,
    ) -> NodeGroupProxy:
        """NameTaken (a KeyError) also for a group that another program made; GroupNotStarted. Its log goes to
        the Starter, whose command DevReadLog shows it."""
        if kwds:
            raise TypeError(f"a node group of a Tango host has no option {next(iter(kwds))!r}")
        if qt:
            raise ValueError("a node group of a Tango host has no windows: leave out qt=True")
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a node group by Tango: use letters, digits, _ and -")
        with self._groups.making(name):
            if self._answers(name):
                raise NameTaken(name)
            self._register(name)
            is_ours = self._start(name)
            try:
                self._wait_for(name, start_timeout_s)
                link = self._link(name, call_timeout_s)
                is_ours = link.ask("claim")
                if not is_ours:
                    raise NameTaken(name)
            except BaseException:
                if is_ours:
                    self._end(name, force=True)
                    self._unregister(name)
                raise
            self._groups.add(name, link, manager)
            return NodeGroupProxy(link)

    def open_nodegroup(
        self, name: str, manager: GroupOwner | None = None, *, call_timeout_s: float = CALL_TIMEOUT_S
    ) -> NodeGroupProxy:
        """A group that runs, whoever made it. GroupNotStarted when it does not."""
        if not self._answers(name):
            raise GroupNotStarted(name, self.name, "it does not run")
        link = self._link(name, call_timeout_s)
        self._groups.add(name, link, manager)
        return NodeGroupProxy(link)

    def check_spawners(self) -> list[str]:
        return self._groups.check()

    def close_all_nodegroups(self, force: bool = False) -> None:
        """Those that were made or opened here."""
        for link in self._groups.take_all():
            link.close(force)

    def _register(self, name: str) -> None:
        """In the Tango database: the device, and that this host's Starter has its server. The database would
        forget where a device that is added again can be found, and another program may be making it."""
        info = tango.DbDevInfo()
        info.name, info._class, info.server = self._device_name(name), PROGRAM, self._server(name)
        if info.name not in self._database.get_device_name(info.server, PROGRAM):
            self._database.add_device(info)
        server = tango.DbServerInfo()
        server.name, server.host, server.mode, server.level = info.server, self.name, 1, STARTED_BY_HAND
        self._database.put_server_info(server)
        self._starter.command_inout("UpdateServersInfo")

    def _start(self, name: str) -> bool:
        """False where another program has just had it started."""
        try:
            self._starter.command_inout("DevStart", self._server(name))
        except tango.DevFailed as error:
            if error.args[0].reason == ALREADY_RUNNING:
                return False
            self._unregister(name)
            raise GroupNotStarted(name, self.name, error.args[0].desc.strip()) from None
        return True

    def _wait_for(self, name: str, timeout_s: float) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not self._answers(name):
            if time.monotonic() > deadline_s:
                last = self._last_word(name)
                raise GroupNotStarted(name, self.name, f"it did not answer within {timeout_s:g} s{last}")
            time.sleep(LOOK_S)

    def _last_word(self, name: str) -> str:
        """The last line that its program wrote, as far as the Starter knows it."""
        try:
            log_lines = self._starter.command_inout("DevReadLog", self._server(name)).strip().splitlines()
        except tango.DevFailed:
            return ""
        return f", its last word was {log_lines[-1]!r}" if log_lines else ""

    def _link(self, name: str, call_timeout_s: float) -> TangoLink:
        device, admin = self._proxy(self._device_name(name)), self._admin(name)
        return TangoLink(name, device, admin, call_timeout_s, lambda force: self._end(name, force))

    def _end(self, name: str, force: bool) -> None:
        """Its server closes the nodes; with ``force`` the Starter kills it, if it may."""
        if force:
            with contextlib.suppress(tango.DevFailed):
                self._starter.command_inout("HardKillServer", self._server(name))
                return
        with contextlib.suppress(tango.DevFailed):
            self._admin(name).command_inout("Kill")

    def _unregister(self, name: str) -> None:
        with contextlib.suppress(tango.DevFailed):
            self._database.delete_server(self._server(name))

    def _answers(self, name: str) -> bool:
        try:
            self._proxy(self._device_name(name)).ping()
        except tango.DevFailed:
            return False
        return True

    def _admin(self, name: str) -> tango.DeviceProxy:
        return self._proxy(f"dserver/{self._server(name)}")

    def _proxy(self, device: str) -> tango.DeviceProxy:
        where = f"{self._starter.get_db_host()}:{self._starter.get_db_port()}"
        return tango.DeviceProxy(f"tango://{where}/{device}")

    def _device_name(self, name: str) -> str:
        return f"{FAMILY}/{self.name}/{name}"

    def _server(self, name: str) -> str:
        return f"{PROGRAM}/{name}"
