from __future__ import annotations

import importlib.util
import logging
import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import (
    CallTimeout,
    Host,
    InputStream,
    LocalHost,
    Manager,
    ManagerClosed,
    NodeGroupDied,
    OutputStream,
    QtMissing,
    UnknownHost,
    create_manager,
    register_host_type,
)
from nexus_writer.acquisition.nodes.host import host_types
from nexus_writer.acquisition.nodes.manager_requests import ManagerRequests
from nexus_writer.acquisition.nodes.qt import BINDINGS
from nexus_writer.process import RemoteError
from tests.acquisition.node_types import DetectorOnFireError
from tests.descriptors import descriptors
from tests.process.traces import children_of, is_running
from tests.waiting import allowed_s, wait_until

TYPES = "tests.acquisition.node_types"
HAS_QT = any(importlib.util.find_spec(name) for name in BINDINGS)
MODES = ["local", "rpc"]
Make = Callable[..., Any]


@pytest.fixture
def managed() -> Iterator[Make]:
    made: list[Any] = []

    def make(mode: str) -> Any:
        made.append(create_manager(mode))
        return made[-1]

    yield make
    for manager in made:
        manager.close()


@pytest.fixture(params=MODES)
def manager(request: pytest.FixtureRequest, managed: Make) -> Any:
    return managed(request.param)


def node_of(group: Any, kind: str = "Asked", **kargs: Any) -> Any:
    group.register_node_type_from_module(TYPES, kind)
    node = group.create_node(kind, name=f"{kind} of {group.name}")
    node.configure(**kargs)
    return node


def test_a_manager_makes_groups_by_name(manager: Any) -> None:
    first, second = manager.create_nodegroup("eiger"), manager.create_nodegroup()
    assert (first.name, second.name) == ("eiger", "nodegroup_0")
    with pytest.raises(KeyError, match="eiger is there already"):
        manager.create_nodegroup("eiger")
    assert manager.list_nodegroups() == [first, second]
    first.close()
    assert manager.list_nodegroups() == [second]
    again = manager.create_nodegroup("eiger")
    assert again != first and again.list_nodes() == []
    with pytest.raises(NodeGroupDied, match="eiger was closed"):
        first.list_nodes()
    manager.close_all_nodegroups()
    assert manager.list_nodegroups() == []
    manager.close()
    manager.close()
    with pytest.raises(ManagerClosed, match="create_manager"):
        manager.create_nodegroup("eiger")


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="use 'local' or 'rpc'"):
        create_manager("remote")


def test_nodes_of_all_groups_start_and_stop_together(managed: Make) -> None:
    manager = managed("local")
    groups = [manager.create_nodegroup() for _ in range(2)]
    nodes = [node_of(group) for group in groups]
    with pytest.raises(AssertionError, match="initialize"):
        manager.start_all_nodes()
    nodes[1].initialize()
    with pytest.raises(AssertionError, match="initialize"):
        manager.start_all_nodes()
    assert not nodes[1].running()
    nodes[0].initialize()
    manager.start_all_nodes()
    assert all(node.running() for node in nodes)
    manager.stop_all_nodes()
    manager.stop_all_nodes()
    assert not any(node.running() for node in nodes)


NO_QT = f"""
import sys
for name in {BINDINGS!r}:
    sys.modules[name] = None
from nexus_writer.acquisition import create_manager
manager = create_manager("local")
manager.create_nodegroup(qt=False).list_nodes()
manager.close()
print([name for name in sys.modules if "Qt" in name and sys.modules[name]])
"""


def test_no_qt_is_needed() -> None:
    done = subprocess.run([sys.executable, "-c", NO_QT], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.skipif(HAS_QT, reason="Qt is installed here")
def test_a_group_with_qt_says_that_there_is_none(manager: Any) -> None:
    with pytest.raises(QtMissing) as caught:
        manager.create_nodegroup("viewer", qt=True)
    assert "PyQt6" in str(caught.value) and "qt=False" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert manager.list_nodegroups() == []


@pytest.mark.skipif(not HAS_QT, reason="needs PySide6, PyQt6 or PyQt5")
def test_a_group_with_qt_has_an_application(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(QtMissing, match="needs a display"):
        LocalHost("here").create_nodegroup("viewer", qt=True)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    host = LocalHost("here")
    node = node_of(host.create_nodegroup("viewer", qt=True))
    assert node.add(1, 2) == 3
    with pytest.raises(DetectorOnFireError):
        node.burn(1)
    assert node.application() == "QApplication"
    pid = node.pid()
    host.close_all_nodegroups()
    assert not is_running(pid)


def test_streams_between_this_process_and_remote_nodes(manager: Any) -> None:
    output, end = OutputStream(), InputStream()
    channels = [{"name": "a"}, {"name": "b"}]
    output.configure(protocol="tcp", dtype="int64", shape=(-1, 2), channel_info=channels)
    doublers = [node_of(manager.create_nodegroup(), "Doubler") for _ in range(2)]
    try:
        with pytest.raises(TypeError, match="an input connects to"):
            doublers[0].input.connect(7)
        doublers[0].input.connect(output)
        described = {"channel_info": doublers[0].input.params["channel_info"]}
        doublers[0].output.configure(transfermode="sharedmem", buffer_size=64, **described)
        doublers[1].inputs["signal"].connect(doublers[0].outputs["signal"])
        assert doublers[1].input.params["channel_info"] == channels
        doublers[1].output.configure(protocol="ipc", channel_info=doublers[1].input.params["channel_info"])
        end.connect(doublers[1].output)
        for doubler in doublers:
            doubler.initialize()
        manager.start_all_nodes()
        for index in (3, 6, 9):
            output.send(np.full((3, 2), index))
            assert end.poll(20_000)
            got, data = end.recv()
            assert got == index and data is not None
            np.testing.assert_array_equal(data, np.full((3, 2), 4 * index))
        assert end.params["channel_info"] == channels
    finally:
        end.close()
        output.close()


def test_exceptions_of_remote_nodes_are_raised_here(manager: Any) -> None:
    node = node_of(manager.create_nodegroup())
    assert node.add(1, 2, scale=10) == 30
    assert node.temperature == 21.5
    with pytest.raises(DetectorOnFireError) as caught:
        node.burn(451)
    assert type(caught.value) is DetectorOnFireError and caught.value.degrees == 451
    assert "in burn" in str(caught.value.__cause__)
    with pytest.raises(AssertionError, match=r"2 inputs \(first, second\): name it"):
        _ = node.input
    with pytest.raises(AttributeError, match="colour"):
        _ = node.colour
    with pytest.raises(AttributeError):
        node._call("_start")
    with pytest.raises((TypeError, RemoteError), match="pickle"):
        node.handle()
    with pytest.raises(KeyError, match=r"no 'third' among its inputs \(first, second\)"):
        type(node.inputs["first"])(node._link, node._node, "inputs", "third").poll(0)
    assert node.add(1) == 1


def test_a_call_that_takes_too_long_is_given_up(managed: Make) -> None:
    group = managed("local").create_nodegroup("slow", call_timeout_s=20)
    node = node_of(group)
    group.link.call_timeout_s = 0.2
    with pytest.raises(CallTimeout, match=r"slow did not answer node_call within 0.2 s"):
        node.hold(0.6)
    wait_until(lambda: _answers(node), "the node answers again")


def _answers(node: Any) -> bool:
    try:
        return bool(node.add(1) == 1)
    except CallTimeout:
        return False


def test_what_can_not_be_made_anew_costs_one_call(manager: Any) -> None:
    node = node_of(manager.create_nodegroup())
    module = sys.modules["only_here"] = types.ModuleType("only_here")
    module.Ours = type("Ours", (), {"__module__": "only_here"})  # type: ignore[attr-defined]
    try:
        with pytest.raises(ModuleNotFoundError, match="only_here"):
            node.add(module.Ours())
        with pytest.raises(ModuleNotFoundError, match="only_there"):
            node.give_only_there()
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            node.add(lambda: None)
    finally:
        del sys.modules["only_here"]
    assert node.add(1, 2) == 3


def test_a_remote_node_is_waited_for(managed: Make) -> None:
    group = managed("local").create_nodegroup("finite", call_timeout_s=20)
    source = node_of(group, "Source", total=100, pause_s=0.005)
    source.output.configure(protocol="ipc")
    source.initialize()
    source.start()
    group.link.call_timeout_s = 10
    assert not source.wait(0.01)
    assert source.wait(60)
    assert source.running()
    endless = node_of(group, "Source")
    endless.output.configure(protocol="ipc")
    endless.initialize()
    endless.start()
    waiting = threading.Thread(target=endless.wait, args=(30,))
    waiting.start()
    assert endless.running()
    endless.stop()
    waiting.join()
    with pytest.raises(AttributeError, match="wait"):
        node_of(group).wait()


def test_the_death_of_a_group_is_told(manager: Any, caplog: pytest.LogCaptureFixture) -> None:
    dying, other = manager.create_nodegroup("dying"), manager.create_nodegroup("other")
    node, living = node_of(dying), node_of(other)
    pid = node.pid()
    told: list[float] = []

    def hold() -> None:
        with pytest.raises(NodeGroupDied, match=r"dying (was ended by SIGKILL|is gone)"):
            node.hold(60)
        told.append(time.monotonic())

    pending = threading.Thread(target=hold)
    pending.start()
    wait_until(lambda: "holds on" in caplog.text, "the call is under way")
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    pending.join(60)
    assert told and told[0] - killed < allowed_s(1)
    with pytest.raises(NodeGroupDied):
        node.running()
    with pytest.raises(NodeGroupDied):
        dying.list_nodes()
    assert manager.list_nodegroups() == [other]
    assert living.add(1, 1) == 2
    wait_until(lambda: "dying was ended by SIGKILL" in caplog.text, "the death is logged")
    assert manager.create_nodegroup("dying").list_nodes() == []


def test_a_killed_manager_takes_its_groups_with_it(managed: Make) -> None:
    manager = managed("rpc")
    node = node_of(manager.create_nodegroup())
    pid = node.pid()
    os.kill(manager.pid, signal.SIGKILL)
    with pytest.raises(NodeGroupDied, match="is gone with its manager"):
        node.pid()
    with pytest.raises(ManagerClosed):
        manager.list_nodegroups()
    wait_until(lambda: not is_running(pid), "the group has ended")


def test_a_manager_is_closed_with_all_its_nodes(managed: Make) -> None:
    manager = managed("rpc")

    def running_group(number: int) -> int:
        group = manager.create_nodegroup(f"group {number}")
        for kind in ("Source", "Doubler", "Sink", "Asked"):
            node = node_of(group, kind)
            for output in node.outputs.values():
                output.configure(protocol="ipc")
        nodes = group.list_nodes()
        nodes[1].input.connect(nodes[0].output)
        nodes[2].input.connect(nodes[1].output)
        for node in nodes:
            node.initialize()
        group.start_all_nodes()
        return int(nodes[3].pid())

    with ThreadPoolExecutor(5) as threads:
        pids = [*threads.map(running_group, range(5)), manager.pid]
    assert all(is_running(pid) for pid in pids)
    closed = time.monotonic()
    manager.close()
    wait_until(lambda: not any(is_running(pid) for pid in pids), "all processes have ended")
    assert time.monotonic() - closed < allowed_s(5)


ENDING = """
import os, signal, sys
from nexus_writer.acquisition import create_manager
manager = create_manager("rpc", auto_close_at_exit=sys.argv[1] != "returns, not closed")
group = manager.create_nodegroup()
group.register_node_type_from_module("tests.acquisition.node_types", "Asked")
node = group.create_node("Asked", name="one")
node.configure()
node.initialize()
node.start()
print(manager.pid, node.pid(), flush=True)
if sys.argv[1] == "raises":
    raise SystemError("unhandled")
if sys.argv[1] == "is killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("ending", "code"), [("returns", 0), ("returns, not closed", 0), ("raises", 1), ("is killed", -9)]
)
def test_no_process_outlives_its_program(ending: str, code: int) -> None:
    started = subprocess.run(
        [sys.executable, "-c", ENDING, ending], capture_output=True, text=True, timeout=50
    )
    assert started.returncode == code, started.stderr
    assert ("SystemError" in started.stderr) == (ending == "raises")
    pids = [int(pid) for pid in started.stdout.split()]
    assert len(pids) == 2
    wait_until(lambda: not any(is_running(pid) for pid in pids), "all processes have ended")


def test_log_records_and_stderr_of_all_processes_are_collected(
    manager: Any, caplog: pytest.LogCaptureFixture
) -> None:
    address, level = manager.get_logger_info()
    assert (address.startswith("unix:@"), level) == (True, logging.getLogger().level)
    node = node_of(manager.create_nodegroup("talking"))
    node.say("blue")
    wait_until(lambda: "blue was said" in caplog.text, "the record has come")
    wait_until(lambda: "blue was written" in caplog.text, "the line has come")
    assert "whispered" not in caplog.text
    records = {record.getMessage(): record for record in caplog.records}
    said, written = records["blue was said"], records["blue was written"]
    assert {record.processName for record in (said, written)} == {"talking"}
    assert {record.process for record in (said, written)} == {node.pid()}
    assert (said.name, said.levelno) == ("Asked.Asked of talking", logging.WARNING)
    assert (said.filename, said.funcName) == ("node_types.py", "say")


def test_what_a_crash_writes_is_collected(managed: Make, caplog: pytest.LogCaptureFixture) -> None:
    node = node_of(managed("local").create_nodegroup("crashing"))
    with pytest.raises(NodeGroupDied):
        node.crash()
    wait_until(lambda: "last words" in caplog.text, "the last words are collected")
    others = re.findall(r"last words of the parent of (\d+)", caplog.text)
    try:
        wait_until(lambda: "crashing was ended by SIGABRT" in caplog.text, "the end is logged")
        wait_until(lambda: "stderr of crashing" not in _threads(), "nobody listens any more")
        assert is_running(int(others[0]))
    finally:
        os.kill(int(others[0]), signal.SIGKILL)


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


def test_junk_for_the_log_is_dropped(managed: Make, caplog: pytest.LogCaptureFixture) -> None:
    manager = managed("local")
    address = "\0" + manager.get_logger_info()[0].removeprefix("unix:@")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for junk in (b"", b"\xff", b"[]", b'{"name": 1}', b"null", b"9" * 5000, os.urandom(1000)):
            sender.sendto(junk, address)
    node_of(manager.create_nodegroup("talking")).say("blue")
    wait_until(lambda: "blue was said" in caplog.text, "the record has come")


@pytest.fixture
def site() -> Iterator[None]:
    register_host_type("site", TYPES, "SiteHost")
    yield
    del host_types["site"]


@pytest.mark.usefixtures("site")
def test_hosts_of_other_kinds_are_registered(manager: Any) -> None:
    with pytest.raises(ValueError, match=r"like 'moon://1' \(.*site://\)"):
        manager.get_host("moon://1")
    with pytest.raises(KeyError, match="get_host"):
        manager.create_nodegroup("far", host="site://id10")
    host = manager.get_host("site://id10")
    assert (host.name, manager.list_hosts(), manager.get_host("site://id10")) == ("id10", [host], host)
    far, near = manager.create_nodegroup("far", host=host), manager.create_nodegroup("near")
    farther = manager.create_nodegroup("farther", host="site://id10")
    assert manager.list_nodegroups() == [far, near, farther]
    node, pid = node_of(far), node_of(near).pid()
    assert host.check_spawners() == []
    os.kill(node.pid(), signal.SIGKILL)
    wait_until(lambda: not far.alive(), "the death is known")
    assert host.check_spawners() == ["far"]
    assert manager.list_nodegroups() == [near, farther]
    manager.disconnect_host(host)
    assert (manager.list_hosts(), manager.list_nodegroups()) == ([], [near])
    with pytest.raises(UnknownHost):
        manager.disconnect_host("site://id10")
    assert is_running(pid)


@pytest.mark.usefixtures("site")
def test_a_host_that_cannot_close_does_not_keep_the_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: Host, force: bool = False) -> None:
        raise OSError(f"{host.name} is not reached")

    manager, threads = Manager(), set(threading.enumerate())
    broken, other = (manager.get_host(f"site://id{number}") for number in (10, 11))
    pids = [manager.create_nodegroup(host=host).pid() for host in (None, other)]
    with monkeypatch.context() as patched:
        patched.setattr(broken, "close_all_nodegroups", partial(fail, broken))
        with pytest.raises(OSError, match="id10 is not reached"):
            manager.close()
    wait_until(lambda: not any(is_running(pid) for pid in pids), "the groups have ended")
    wait_until(lambda: set(threading.enumerate()) < threads, "so has the log")


def test_a_manager_forgets_groups_that_were_closed() -> None:
    requests = ManagerRequests(Manager())
    try:
        for _ in range(3):
            name, key = requests.create_nodegroup(None, None, False, {})
            requests.group_close(key, False)
            assert not requests.group_alive(key)
            with pytest.raises(NodeGroupDied, match=name):
                requests.group_ask(key, "pid", pickle.dumps({}))
        assert len(requests._groups) == 0
    finally:
        requests.manager.close()


def test_managers_leave_nothing_behind() -> None:
    def once() -> None:
        for mode in MODES:
            manager = create_manager(mode)
            node_of(manager.create_nodegroup()).pid()
            manager.close()

    once()
    before, children = descriptors(), set(children_of(os.getpid()))
    once()
    wait_until(lambda: descriptors() <= before, "all descriptors are closed")
    wait_until(lambda: set(children_of(os.getpid())) <= children, "all processes have ended")
