"""The way to a node group that is a Tango device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

import tango

from nexus_writer.acquisition.nodes.errors import CallTimeout, NodeGroupDied

from .failures import raised
from .wire import packed, unpacked

PING_TIMEOUT_MS = 1000
CLOSE_S = 4.0
LOOK_S = 0.05
TIMED_OUT = "API_DeviceTimedOut"
CORBA_TIMED_OUT = "CallTimedout"
MOST_TIMEOUTS = 3
"""Pings in a row that a host may leave unanswered; one that refuses a connection has no such group."""


class TangoLink:
    """A GroupLink. ``remove`` is called once the group has ended by ``close``, with force or without."""

    def __init__(
        self,
        name: str,
        device: tango.DeviceProxy,
        admin: tango.DeviceProxy,
        call_timeout_s: float,
        end: Callable[[bool], None],
    ) -> None:
        self.name = name
        self.call_timeout_s = call_timeout_s
        self.ending: str | None = None
        self.closed = False
        self._device, self._admin, self._end = device, admin, end
        self._closing = threading.Lock()
        self._timeouts = 0
        device.set_timeout_millis(round(1000 * call_timeout_s))
        admin.set_timeout_millis(PING_TIMEOUT_MS)
        self.key: Hashable = (name, self.ask("pid"), device.info().server_host)

    def ask(self, request: str, **arguments: Any) -> Any:
        """Of a host that vanished without a word it is told when the call takes longer than allowed."""
        if self.ending is not None:
            raise NodeGroupDied(self.name, self.ending)
        question = packed({"request": request, "arguments": arguments})
        try:
            reply = unpacked(self._device.command_inout("Ask", question))
        except tango.DevFailed as error:
            if _is_timeout(error) and self.alive():
                raise CallTimeout(f"the node group {self.name}", request, self.call_timeout_s) from None
            self.ending = self.ending or "does not answer any more"
            raise NodeGroupDied(self.name, self.ending) from None
        if "error" in reply:
            raise raised(reply["error"])
        return reply["answer"]

    def alive(self) -> bool:
        """By its admin device, which answers also while a node is at work."""
        if self.ending is not None:
            return False
        try:
            self._admin.ping()
        except tango.DevFailed as error:
            self._timeouts += 1
            if _is_timeout(error) and self._timeouts < MOST_TIMEOUTS:
                return True
            self.ending = self.ending or "does not answer any more"
            return False
        self._timeouts = 0
        return True

    def close(self, force: bool = False) -> None:
        with self._closing:
            if self.closed:
                return
            self.closed = True
            was_alive = self.alive()
            self.ending = self.ending or "was closed"
            if was_alive:
                self._end(force)
                self._wait_for_end()

    def _wait_for_end(self) -> None:
        deadline_s = time.monotonic() + CLOSE_S
        while time.monotonic() < deadline_s:
            try:
                self._admin.ping()
            except tango.DevFailed:
                return
            time.sleep(LOOK_S)
        self._end(True)


def _is_timeout(error: tango.DevFailed) -> bool:
    """Tango has two ways to say it."""
    return any(level.reason == TIMED_OUT or CORBA_TIMED_OUT in level.desc for level in error.args)
