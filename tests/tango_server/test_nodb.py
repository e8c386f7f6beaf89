"""Names and ports of a device without a database."""

from __future__ import annotations

import socket

import pytest

from tango_server.names import BadDeviceName, BadServerName
from tango_server.nodb import PortTaken, StandaloneDevice, usable_port


def test_address() -> None:
    device = StandaloneDevice("nexuswriter", "test", "id00/bliss_nxwriter/test", 4711)
    assert device.address == "tango://127.0.0.1:4711/id00/bliss_nxwriter/test#dbase=no"
    assert device.arguments[:2] == ["nexuswriter", "test"]


@pytest.mark.parametrize(
    "name", ["", "a/b", "a/b/c/d", "a//c", "a/b/c d", "a/b/c#dbase=no", "tango://h:1/a/b/c"]
)
def test_names_that_tango_cannot_use(name: str) -> None:
    with pytest.raises(BadDeviceName, match="domain/family/member"):
        StandaloneDevice("nexuswriter", "test", name, 1)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} .* give --port another one"):
            usable_port(port)
    assert usable_port(port) == port


@pytest.mark.parametrize("instance", ["", "a b", "a/b"])
def test_instances_that_tango_cannot_use(instance: str) -> None:
    with pytest.raises(BadServerName, match="is no server/instance"):
        StandaloneDevice("nexuswriter", instance, "a/b/c", 1)


def test_free_ports_differ() -> None:
    assert usable_port(None) > 1023
