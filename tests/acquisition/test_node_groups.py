from __future__ import annotations

import gc
import logging
import os
import signal
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from nexus_writer.acquisition import (
    Host,
    LocalHost,
    NameTaken,
    NodeGroup,
    NodeGroupDied,
    NodeStateError,
    UnknownNodeType,
)
from nexus_writer.acquisition.detectors import CounterDetector
from nexus_writer.acquisition.nodes import register_node_type
from nexus_writer.acquisition.nodes.group_requests import GroupRequests
from nexus_writer.acquisition.nodes.registry import all_nodes
from tests.acquisition.node_types import DetectorOnFireError
from tests.process.traces import is_running
from tests.waiting import wait_until

TYPES = "tests.acquisition.node_types"


@pytest.fixture
def host() -> Iterator[LocalHost]:
    made = LocalHost("here")
    yield made
    made.close_all_nodegroups()


@pytest.fixture(params=["in this process", "in a process of its own"])
def group(request: pytest.FixtureRequest, host: LocalHost) -> Iterator[Any]:
    before = dict(all_nodes)
    made: Any = NodeGroup() if request.param == "in this process" else host.create_nodegroup("detectors")
    yield made
    made.close()
    all_nodes.clear()
    all_nodes.update(before)


def asked(group: Any, **kwds: Any) -> Any:
    """A node that is ready to be started."""
    group.register_node_type_from_module(TYPES, "Asked")
    node = group.create_node("Asked", **kwds)
    node.configure()
    node.initialize()
    return node


def test_a_closed_node_that_is_removed_takes_no_memory() -> None:
    group = NodeGroup()
    requests = GroupRequests(group)
    register_node_type(CounterDetector)
    made = []
    for _ in range(3):
        number = requests.ask("create_node", {"class_name": "CounterDetector", "args": [], "kwds": {}})[
            "node"
        ]
        made.append((number, weakref.ref(requests._node(number))))
        requests.ask("node_call", {"node": number, "method": "close", "args": [], "kwargs": {}})
        requests.ask("remove_node", {"node": number})
    gc.collect()
    assert [number for number, _ in made] == [0, 1, 2]
    assert [node() for _, node in made] == [None, None, None]


def test_nodes_are_created_by_name_listed_and_removed(group: Any) -> None:
    with pytest.raises(KeyError, match=r"no node type Asked .*register_node_type_from_module") as caught:
        group.create_node("Asked")
    assert isinstance(caught.value, UnknownNodeType)
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        group.register_node_type_from_module("nowhere", "Asked")
    with pytest.raises(TypeError, match="name of a registered class"):
        group.create_node(int)
    first, second = asked(group, name="first"), asked(group, name="second")
    assert "Asked" in group.list_node_types()
    assert (first.name, second.name, group.list_nodes()) == ("first", "second", [first, second])
    first.start()
    with pytest.raises(RuntimeError, match="first is running: stop it first"):
        group.remove_node(first)
    first.stop()
    group.remove_node(first)
    assert group.list_nodes() == [second]
    with pytest.raises(KeyError, match="first is not in the group"):
        group.remove_node(first)
    assert not first.closed()
    group.add_node(first)
    assert group.list_nodes() == [second, first]
    with pytest.raises(ValueError, match="in the group already"):
        group.add_node(first)


def test_all_nodes_start_or_none(group: Any) -> None:
    nodes = [asked(group, name=name) for name in ("one", "two")]
    group.start_all_nodes()
    assert group.any_node_running() and all(node.running() for node in nodes)
    with pytest.raises(NodeStateError, match="running"):
        group.start_all_nodes()
    group.stop_all_nodes()
    group.stop_all_nodes()
    assert not group.any_node_running()
    nodes[0].configure()
    with pytest.raises(NodeStateError, match="one is not initialized"):
        group.start_all_nodes()
    assert [node.starts for node in nodes] == [1, 1]
    nodes[0].initialize()
    group.remove_node(nodes[0])
    failing = asked(group, fails_to_start=True)
    group.add_node(nodes[0])
    with pytest.raises(DetectorOnFireError):
        group.start_all_nodes()
    assert not group.any_node_running()
    assert [node.running() for node in (*nodes, failing)] == [False] * 3


def test_all_nodes_are_stopped_though_one_failed(group: Any) -> None:
    group.register_node_type_from_module(TYPES, "Failing")
    failing = group.create_node("Failing", name="pilatus")
    failing.configure()
    failing.initialize()
    other = asked(group)
    group.start_all_nodes()
    failing.fail()
    wait_until(lambda: not failing.running(), "the failure is known")
    with pytest.raises(OSError, match="on fire"):
        group.stop_all_nodes()
    assert not other.running()
    group.stop_all_nodes()


def test_a_closed_group_has_closed_its_nodes() -> None:
    group = NodeGroup()
    before = dict(all_nodes)
    nodes = [asked(group) for _ in range(3)]
    group.start_all_nodes()
    nodes[2].stop()
    group.remove_node(nodes[2])
    group.close()
    assert all(node.closed() for node in nodes)
    all_nodes.clear()
    all_nodes.update(before)


def test_a_host_makes_and_ends_processes(host: LocalHost) -> None:
    group = host.create_nodegroup("one")
    pid = asked(group).pid()
    assert pid != os.getpid()
    with pytest.raises(NameTaken, match="one is there already"):
        host.create_nodegroup("one")
    with pytest.raises(TypeError, match="no option 'executable'"):
        host.create_nodegroup("two", executable="/bin/false")
    assert host.check_spawners() == []
    host.close_all_nodegroups()
    assert not is_running(pid)
    assert host.check_spawners() == []
    with pytest.raises(NodeGroupDied, match="one was closed"):
        group.list_nodes()
    group.close()
    group = host.create_nodegroup("one")
    pid = asked(group).pid()
    host.close_all_nodegroups(force=True)
    assert not is_running(pid)


def test_a_host_notices_a_death_when_it_is_asked_to(
    host: LocalHost, caplog: pytest.LogCaptureFixture
) -> None:
    group = host.create_nodegroup("one")
    os.kill(asked(group).pid(), signal.SIGKILL)
    wait_until(lambda: not group.alive(), "the death is known")
    assert host.check_spawners() == ["one"]
    assert host.check_spawners() == []
    assert "the node group one was ended by SIGKILL" in caplog.text


def test_a_host_that_polls_notices_a_death_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    host = Host("watched", poll_procs=True)
    assert isinstance(host, LocalHost)
    try:
        group = host.create_nodegroup("one")
        os.kill(asked(group).pid(), signal.SIGKILL)
        wait_until(lambda: "the node group one was ended by SIGKILL" in caplog.text, "the death is logged")
        assert logging.ERROR in [record.levelno for record in caplog.records]
    finally:
        host.close_all_nodegroups()
