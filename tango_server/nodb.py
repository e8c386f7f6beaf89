"""A device server without a Tango database: one device on one port of this machine.

Its properties come as defaults of a subclass. (Tango can also read a file in place of a database, but that
file knows neither backslashes nor letters outside ASCII, and Tango rewrites it.)
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tango.server import device_property

from .device import NexusWriter
from .names import check_device_name, check_server_name


class PortTaken(OSError):
    """Another program listens on the port."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(f"port {port} of 127.0.0.1 cannot be used ({why}): give --port another one, or none")


@dataclass(frozen=True, slots=True)
class StandaloneDevice:
    """Where the device is. Raises BadName."""

    server: str
    instance: str
    name: str
    port: int

    def __post_init__(self) -> None:
        check_device_name(self.name)
        check_server_name(f"{self.server}/{self.instance}")

    @property
    def address(self) -> str:
        """What to give to ``tango.DeviceProxy``."""
        return f"tango://127.0.0.1:{self.port}/{self.name}#dbase=no"

    @property
    def arguments(self) -> list[str]:
        """Of the Tango library."""
        endpoint = f"giop:tcp:127.0.0.1:{self.port}"
        return [self.server, self.instance, "-nodb", "-dlist", self.name, "-ORBendPoint", endpoint]


def device_class(properties: Mapping[str, Any]) -> type[NexusWriter]:
    """The device's class, with these values of its properties."""
    defaults = {
        name: device_property(dtype=(str,) if isinstance(value, tuple) else str, default_value=value)
        for name, value in properties.items()
    }
    return type("NexusWriter", (NexusWriter,), {"__doc__": NexusWriter.__doc__, **defaults})


def usable_port(port: int | None) -> int:
    """``port`` when nobody listens on it; a free one for None. Raises PortTaken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port or 0))
        except OSError as error:
            raise PortTaken(port or 0, error.strerror or str(error)) from None
        return int(probe.getsockname()[1])
