"""Node groups on two hosts, for a test: runs within the first of two network namespaces.

    python -m tests.tango_server.two_hosts STARTER SECOND_NAMESPACE DIRECTORY_OF_THE_PROGRAM DIRECTORY

The Tango database and one Starter are here (10.231.77.1), another Starter is in the second namespace
(10.231.77.2). A group of each of them streams to this program, which prints how many points came.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import tango

from nexus_writer.acquisition import InputStream, Manager

from .servers import environment, wait_until

PORT = 10000
DATABASE = f"10.231.77.1:{PORT}"
POINTS = 100


def main(starter: str, second: str, program: str, directory: str) -> None:
    with contextlib.ExitStack() as running:
        running.enter_context(process([sys.executable, "-m", "tango.databaseds.database", "2"], directory))
        wait_until(_has_database, "the database", 60)
        manager = Manager()
        running.callback(manager.close)
        for name, address, entering in (
            ("here", "10.231.77.1", []),
            ("there", "10.231.77.2", ["ip", "netns", "exec", second]),
        ):
            register(name, program, directory)
            running.enter_context(process([*entering, starter, name], directory))
            device = tango.DeviceProxy(f"tango://{DATABASE}/tango/admin/{name}")
            wait_until(lambda device=device: _answers(device), f"the Starter {name}", 60)
            group = manager.create_nodegroup(name, manager.get_host(f"tango://{DATABASE}/tango/admin/{name}"))
            print(f"{name}:", received(group, address))


def register(name: str, program: str, directory: str) -> None:
    """A Starter."""
    client = tango.Database("10.231.77.1", PORT)
    info = tango.DbDevInfo()
    info.name, info._class, info.server = f"tango/admin/{name}", "Starter", f"Starter/{name}"
    client.add_device(info)
    client.put_class_property("Starter", {"LogFileHome": [directory]})
    client.put_device_property(info.name, {"StartDsPath": [program], "UseEvents": ["0"]})


def received(group: Any, address: str) -> int:
    """Points of a node of the group."""
    group.register_node_type_from_module("nexus_writer.acquisition.detectors", "CounterDetector")
    node = group.create_node("CounterDetector", name="diode")
    node.configure(channels=["i0"], rate_hz=1000, npoints=POINTS)
    node.output.configure(protocol="tcp", interface=address)
    stream = InputStream()
    stream.connect(node.output)
    try:
        node.initialize()
        node.start()
        index = 0
        while index < POINTS:
            index, _ = stream.recv()
        node.stop()
        return index
    finally:
        stream.close()


@contextlib.contextmanager
def process(command: list[str], directory: str) -> Iterator[None]:
    """DEBUG lets a Starter have another name than that of its machine."""
    running = subprocess.Popen(
        command,
        cwd=directory,
        env=environment(TANGO_HOST=DATABASE, DEBUG="true"),
        stdout=sys.stderr,
        stderr=sys.stderr,
    )
    try:
        yield
    finally:
        running.kill()
        running.wait()


def _has_database() -> bool:
    try:
        tango.Database("10.231.77.1", PORT).get_info()
    except tango.DevFailed:
        return False
    return True


def _answers(device: tango.DeviceProxy) -> bool:
    try:
        device.ping()
    except tango.DevFailed:
        return False
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
