"""Names of devices and servers: what Tango can use."""

from __future__ import annotations

import re

_PART = r"[^/\s\"#>:,]+"
_DEVICE_NAME = re.compile(f"{_PART}/{_PART}/{_PART}")
_SERVER_NAME = re.compile(f"{_PART}/{_PART}")


class BadName(ValueError):
    """A name that cannot be used; the message says what can."""


class BadDeviceName(BadName):
    """Not a Tango device name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is no device name: give domain/family/member, like id00/bliss_nxwriter/test"
        )


class BadServerName(BadName):
    """Not the name of a Tango server and its instance."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is no server/instance: give names without spaces, / : , # > or quotes")


def check_device_name(name: str) -> None:
    """Raises BadDeviceName."""
    if not _DEVICE_NAME.fullmatch(name):
        raise BadDeviceName(name)


def check_server_name(name: str) -> None:
    """Of ``server/instance``. Raises BadServerName."""
    if not _SERVER_NAME.fullmatch(name):
        raise BadServerName(name)
