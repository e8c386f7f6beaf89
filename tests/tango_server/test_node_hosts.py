"""Node groups on other hosts: what travels, the group as a Tango device, and a real Starter."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tango

from nexus_writer.acquisition import InputStream, Manager
from nexus_writer.acquisition.nodes.errors import (
    CallTimeout,
    NameTaken,
    NodeGroupDied,
    NodeStateError,
    UnknownNodeType,
)
from nexus_writer.acquisition.nodes.proxies import NodeGroupProxy
from nexus_writer.acquisition.nodes.states import NodeState
from nexus_writer.process.errors import RemoteError, RemoteTraceback
from tango_server.node_hosts import GroupNotStarted, TangoHost, TangoHostMissing
from tango_server.node_hosts.failures import described, raised
from tango_server.node_hosts.group_link import TangoLink
from tango_server.node_hosts.wire import NotForAnotherHost, packed, unpacked

from .servers import Database, environment, wait_until

STARTER = shutil.which("Starter", path=f"{os.environ.get('PATH', '')}:/usr/lib/tango")
HOST = socket.gethostname().split(".")[0]
TREE = Path(__file__).parent.parent.parent
RECORD = np.dtype([("time", "<f8"), ("frame", "<u2", (2, 3))])


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        12,
        1.5,
        "text",
        b"\x00\xff",
        [1, [2.5, "x"]],
        (1, (2, None)),
        {"a": 1, 2: (3,)},
        {"__type__": "tuple", "items": []},
        NodeState.RUNNING,
        np.dtype("float32"),
        RECORD,
    ],
)
def test_values_travel_as_they_are(value: Any) -> None:
    found = unpacked(packed(value))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "value", [np.arange(6.0).reshape(2, 3).T, np.zeros(3, RECORD), np.float32(2.5), np.array([], "S3")]
)
def test_arrays_travel_bit_by_bit(value: Any) -> None:
    found = unpacked(packed(value))
    assert (found.dtype, found.shape, found.tobytes()) == (value.dtype, value.shape, value.tobytes())


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), print])
def test_what_cannot_travel_is_refused(value: Any) -> None:
    with pytest.raises(NotForAnotherHost, match="cannot go to another host"):
        packed([value])


@pytest.mark.parametrize("text", ["", "{}", '{"__type__": "code"}', '{"__type__": "tuple"}', "[1"])
def test_junk_is_no_message(text: str) -> None:
    with pytest.raises(ValueError):
        unpacked(text)


class OfATest(Exception):
    """Not of the project."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("a", 1), ValueError),
        (KeyError("x"), KeyError),
        (NodeStateError("n", "start", "closed", "make a new node"), NodeStateError),
        (UnknownNodeType("X", ["A"]), UnknownNodeType),
        (OfATest("mine"), RemoteError),
    ],
)
def test_an_error_is_raised_as_its_class(error: Exception, kind: type[Exception]) -> None:
    found = raised(unpacked(packed(described(error))))
    assert type(found) is kind
    assert str(error) in str(found)
    assert isinstance(found.__cause__, RemoteTraceback)


def test_a_message_names_no_class_that_would_be_imported() -> None:
    said = {"module": "os", "name": "system", "arguments": ["true"], "text": "x", "traceback": ""}
    assert type(raised(said)) is RemoteError
    assert type(raised(said | {"module": "builtins", "name": "eval"})) is RemoteError


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The directory of an ``NxAcqGroup`` that runs this tree."""
    path = tmp_path / "bin" / "NxAcqGroup"
    path.parent.mkdir()
    imported = "from tango_server.group_service import main"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(TREE)!r})\n{imported}\nmain()\n"
    )
    path.chmod(0o755)
    return path.parent


@pytest.fixture
def by_hand(database: Database, program: Path) -> Iterator[Callable[[str], tuple[Any, TangoLink]]]:
    """Starts ``NxAcqGroup`` without a Starter: its process, and a link to it."""
    processes = []

    def start(name: str) -> tuple[Any, TangoLink]:
        info = tango.DbDevInfo()
        info.name, info._class, info.server = f"nxacq/here/{name}", "NxAcqGroup", f"NxAcqGroup/{name}"
        database.client().add_device(info)
        process = subprocess.Popen(
            [program / "NxAcqGroup", name, "-ORBendPoint", "giop:tcp:127.0.0.1:"],
            env=environment(TANGO_HOST=database.tango_host),
        )
        processes.append(process)
        device, admin = database.proxy(info.name), database.proxy(f"dserver/{info.server}")
        wait_until(lambda: process.poll() is not None or _answers(device), "the group", 60)
        return process, TangoLink(name, device, admin, 5.0, lambda force: admin.command_inout("Kill"))

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _answers(device: tango.DeviceProxy) -> bool:
    try:
        device.ping()
    except tango.DevFailed:
        return False
    return True


def counting(group: NodeGroupProxy, points: int) -> Any:
    group.register_node_type_from_module("nexus_writer.acquisition.detectors", "CounterDetector")
    node = group.create_node("CounterDetector", name="diode")
    node.configure(channels=["i0", "i1"], rate_hz=1000, npoints=points, seed=7)
    node.output.configure(protocol="tcp")
    return node


def streamed(group: NodeGroupProxy, points: int) -> None:
    """A node of the group sends, this process receives."""
    node = counting(group, points)
    stream = InputStream()
    stream.connect(node.output)
    try:
        node.initialize()
        group.start_all_nodes()
        assert group.any_node_running()
        index = 0
        while index < points:
            index, data = stream.recv()
            assert data.dtype == np.float64
        group.stop_all_nodes()
        assert node.sent == points
    finally:
        stream.close()


def test_a_group_by_tango_is_as_one_of_this_host(by_hand: Callable[[str], tuple[Any, TangoLink]]) -> None:
    process, link = by_hand("plain")
    group = NodeGroupProxy(link)
    assert group.pid() == process.pid
    streamed(group, 200)
    node = group.list_nodes()[0]
    with pytest.raises(NodeStateError, match="node diode is stopped") as refused:
        node.stop()
    assert "_move" in str(refused.value.__cause__)
    with pytest.raises(UnknownNodeType):
        group.create_node("Nothing")
    with pytest.raises(NotForAnotherHost):
        node.configure(channels={"i0"})
    device = link._device
    assert list(device.nodes) == ["diode (CounterDetector): stopped"]
    assert device.status() == "1 nodes, 0 of them running"
    group.close()
    assert process.wait(60) == 0
    with pytest.raises(NodeGroupDied, match="was closed"):
        group.list_nodes()


def test_a_group_is_of_who_claims_it_first(by_hand: Callable[[str], tuple[Any, TangoLink]]) -> None:
    _, link = by_hand("claimed")
    assert [link.ask("claim"), link.ask("claim")] == [True, False]


def test_a_killed_group_is_told(by_hand: Callable[[str], tuple[Any, TangoLink]]) -> None:
    process, link = by_hand("killed")
    group = NodeGroupProxy(link)
    assert group.alive()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with pytest.raises(NodeGroupDied, match="does not answer any more: make a new one"):
        group.list_nodes()
    assert not group.alive()
    group.close()


def test_a_frozen_group_is_a_timeout(by_hand: Callable[[str], tuple[Any, TangoLink]]) -> None:
    process, link = by_hand("frozen")
    group = NodeGroupProxy(link)
    link._device.set_timeout_millis(300)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(CallTimeout):
            group.list_nodes()
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert group.alive()


def test_the_program_says_what_it_lacks(program: Path, tmp_path: Path) -> None:
    code = "import sys; sys.modules['zmq'] = None; from tango_server.group_service import main; main(['x'])"
    said = subprocess.run([sys.executable, "-c", code], cwd=TREE, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert (
        said.stderr == "NxAcqGroup: nexus_writer.acquisition needs pyzmq: install the extra 'acquisition'\n"
    )


def test_a_host_without_a_starter(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGO_HOST", database.tango_host)
    manager = Manager()
    try:
        with pytest.raises(TangoHostMissing, match="no Starter answers at tango://tango/admin/nobody"):
            manager.get_host("tango://tango/admin/nobody")
    finally:
        manager.close()


@pytest.fixture
def starter(database: Database, program: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a Starter that finds the program."""
    if STARTER is None:
        pytest.skip("no Tango Starter on this machine (Debian: tango-starter)")
    client, name = database.client(), f"tango/admin/{HOST}"
    info = tango.DbDevInfo()
    info.name, info._class, info.server = name, "Starter", f"Starter/{HOST}"
    client.add_device(info)
    client.put_class_property("Starter", {"LogFileHome": [str(tmp_path)]})
    client.put_device_property(name, {"StartDsPath": [str(program)], "UseEvents": ["0"]})
    with (tmp_path / "starter.txt").open("wb") as output:
        process = subprocess.Popen(
            [STARTER, HOST, "-ORBendPoint", "giop:tcp:127.0.0.1:"],
            env=environment(TANGO_HOST=database.tango_host),
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: _answers(database.proxy(name)), "the Starter", 60)
        yield f"tango://{database.tango_host}/{name}"
    finally:
        process.kill()
        process.wait()


def test_a_starter_makes_groups_that_stream_and_end(starter: str) -> None:
    manager = Manager()
    try:
        host = manager.get_host(starter)
        group = manager.create_nodegroup("far", host)
        other = manager.create_nodegroup("farther", host)
        pids = [group.pid(), other.pid()]
        with pytest.raises(NameTaken):
            host.create_nodegroup("far")
        streamed(group, 100)
        os.kill(pids[1], signal.SIGKILL)
        wait_until(lambda: manager.list_nodegroups() == [group], "the death is told", 60)
    finally:
        manager.close()
    wait_until(lambda: not any(_runs(pid) for pid in pids), "the groups have ended", 60)


def test_the_guide_is_right(starter: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANGO_HOST", database.tango_host)
    text = (TREE / "docs" / "how-to" / "nodes-on-several-hosts.md").read_text()
    [_, program] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    made: dict[str, Any] = {}
    program = textwrap.dedent(program).replace("lab12", HOST).replace("192.168.1.12", "127.0.0.1")
    exec(program, made)
    try:
        made["diode"].initialize()
        made["diode"].start()
        assert made["stream"].recv()[1].shape[1:] == (2,)
    finally:
        made["stream"].close()
        made["manager"].close()


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("ip") is None, reason="network namespaces need root and iproute2"
)
def test_two_hosts(starter: str, program: Path, tmp_path: Path) -> None:
    """Two network namespaces, joined by a cable: nothing of this machine's own network is reached."""
    first, second = (f"nexus{os.getpid()}{side}" for side in "ab")
    commands = [
        f"ip netns add {first}",
        f"ip netns add {second}",
        f"ip link add veth0 netns {first} type veth peer name veth0 netns {second}",
        *(f"ip -n {side} addr add 10.231.77.{n}/24 dev veth0" for n, side in ((1, first), (2, second))),
        *(f"ip -n {side} link set {link} up" for side in (first, second) for link in ("lo", "veth0")),
    ]
    try:
        for command in commands:
            made = subprocess.run(command.split(), capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
        arguments = [str(STARTER), second, str(program), str(tmp_path)]
        done = subprocess.run(
            ["ip", "netns", "exec", first, sys.executable, "-m", "tests.tango_server.two_hosts", *arguments],
            cwd=TREE,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    finally:
        for side in (first, second):
            subprocess.run(["ip", "netns", "del", side], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["here:", "100", "there:", "100"]


def test_a_group_outlives_the_program_that_made_it(starter: str) -> None:
    made = TangoHost(starter)
    pid = made.create_nodegroup("lasting").pid()
    found = TangoHost(starter).open_nodegroup("lasting")
    assert found.pid() == pid
    found.close(force=True)
    wait_until(lambda: not _runs(pid), "the group has ended", 60)
    made.close_all_nodegroups()
    with pytest.raises(GroupNotStarted, match="it does not run"):
        made.open_nodegroup("lasting")


def test_of_two_programs_that_make_the_same_group_one_has_made_it(starter: str, database: Database) -> None:
    """The other one leaves it alone, in the database too."""
    hosts = TangoHost(starter), TangoHost(starter)
    both = threading.Barrier(2)

    def make(host: TangoHost) -> NodeGroupProxy | NameTaken:
        both.wait(60)
        try:
            return host.create_nodegroup("wanted")
        except NameTaken as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(make, hosts))
    (taken,) = (one for one in found if isinstance(one, NameTaken))
    assert taken.args == NameTaken("wanted").args
    (group,) = (one for one in found if isinstance(one, NodeGroupProxy))
    assert "NxAcqGroup/wanted" in list(database.client().get_server_list("NxAcqGroup/*"))
    assert group.list_nodes() == []
    for host in hosts:
        host.close_all_nodegroups()


def test_a_program_that_the_starter_does_not_find(starter: str, program: Path) -> None:
    (program / "NxAcqGroup").unlink()
    host = TangoHost(starter)
    with pytest.raises(GroupNotStarted, match="in the property StartDsPath"):
        host.create_nodegroup("nowhere", start_timeout_s=2.0)
    with pytest.raises(ValueError, match="no name of a node group by Tango"):
        host.create_nodegroup("a/b")


def test_a_group_that_does_not_come_up_in_time_is_not_left_behind(
    starter: str, program: Path, tmp_path: Path
) -> None:
    group, told = program / "NxAcqGroup", tmp_path / "pid"
    slow = f"import os, time\nopen({str(told)!r}, 'w').write(str(os.getpid()))\ntime.sleep(30)\n"
    first, _, rest = group.read_text().partition("\n")
    group.write_text(f"{first}\n{slow}{rest}")
    with pytest.raises(GroupNotStarted, match="did not answer within 3 s"):
        TangoHost(starter).create_nodegroup("slow", start_timeout_s=3.0)
    pid = int(told.read_text())
    wait_until(lambda: not _runs(pid), "the group has ended", 20)


def test_a_group_that_cannot_be_asked_is_not_left_behind(starter: str, program: Path, tmp_path: Path) -> None:
    group, told = program / "NxAcqGroup", tmp_path / "pid"
    deaf = f"""
import os, time
from nexus_writer.acquisition.nodes.group_requests import GroupRequests
open({str(told)!r}, "w").write(str(os.getpid()))
GroupRequests.pid = lambda requests: time.sleep(30)
main()
"""
    group.write_text(group.read_text().replace("\nmain()\n", deaf))
    with pytest.raises(CallTimeout):
        TangoHost(starter).create_nodegroup("deaf", call_timeout_s=0.5)
    pid = int(told.read_text())
    wait_until(lambda: not _runs(pid), "the group has ended", 20)


def _runs(pid: int) -> bool:
    """Not so when it is a zombie, whose parent has not looked yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
