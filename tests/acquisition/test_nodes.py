from __future__ import annotations

import contextlib
import logging
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nexus_writer.acquisition import (
    InputStream,
    Node,
    NodeState,
    NodeStateError,
    NodeStuck,
    NodeTypeTaken,
    OutputStream,
    ThreadedNode,
    UnknownNodeType,
    register_node_type,
    register_node_type_from_module,
)
from nexus_writer.acquisition.nodes.registry import all_nodes, node_type
from tests.acquisition.node_types import Doubler, Failing, Sink, Source, Told
from tests.waiting import wait_until


@pytest.fixture
def closing() -> Iterator[Callable[[Any], Any]]:
    with contextlib.ExitStack() as stack:

        def later(node: Any) -> Any:
            stack.callback(_end, node)
            return node

        yield later


def _end(node: Any) -> None:
    if isinstance(node, Node) and node.state in (NodeState.RUNNING, NodeState.FAULT):
        with contextlib.suppress(OSError):
            node.stop()
    node.close()


def ready(node: Any, **kargs: Any) -> Any:
    node.configure(**kargs)
    for output in node.outputs.values():
        output.configure(protocol="inproc")
    node.initialize()
    return node


CALLS = ("configure", "initialize", "start", "stop", "close")
WAYS: dict[NodeState, tuple[str, ...]] = {
    NodeState.CREATED: (),
    NodeState.CONFIGURED: ("configure",),
    NodeState.INITIALIZED: ("configure", "initialize"),
    NodeState.RUNNING: ("configure", "initialize", "start"),
    NodeState.CLOSED: ("configure", "initialize", "start", "stop", "close"),
}
REFUSED = {
    (NodeState.CREATED, "initialize"): "call configure() first",
    (NodeState.CREATED, "start"): "call configure() first",
    (NodeState.CREATED, "stop"): "call configure() first",
    (NodeState.CONFIGURED, "start"): "call initialize() first",
    (NodeState.CONFIGURED, "stop"): "call initialize() first",
    (NodeState.INITIALIZED, "stop"): "call start() first",
    (NodeState.RUNNING, "configure"): "call stop() first",
    (NodeState.RUNNING, "initialize"): "call stop() first",
    (NodeState.RUNNING, "start"): "call stop() first",
    (NodeState.RUNNING, "close"): "call stop() first",
    **{(NodeState.CLOSED, call): "make a new node" for call in CALLS if call != "close"},
}


@pytest.mark.parametrize("state", list(WAYS), ids=lambda state: state.name)
def test_calls_out_of_turn_are_refused(closing: Callable[[Any], Any], state: NodeState) -> None:
    for call in CALLS:
        node = closing(Told("eiger"))
        for step in WAYS[state]:
            getattr(node, step)()
        assert node.state is state
        before = list(node.called)
        remedy = REFUSED.get((state, call))
        if remedy is None:
            getattr(node, call)()
            continue
        with pytest.raises(NodeStateError) as caught:
            getattr(node, call)()
        assert isinstance(caught.value, AssertionError)
        assert call in str(caught.value) and "eiger" in str(caught.value) and remedy in str(caught.value)
        assert (node.state, node.called) == (state, before)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_node_configured_anew_is_initialized_anew(closing: Callable[[Any], Any]) -> None:
    node = ready(closing(Told()))
    node.configure(rate=2.0)
    assert (node.configured(), node.initialized(), node.rate) == (True, False, 2.0)
    with pytest.raises(NodeStateError, match="initialize"):
        node.start()
    with pytest.raises(TypeError, match="speed"):
        node.configure(speed=1)
    assert not node.configured()


@pytest.mark.parametrize("protocol", ["inproc", "tcp"])
def test_streams_flow_from_index_0_after_each_start(closing: Callable[[Any], Any], protocol: str) -> None:
    source, doubler = closing(Source()), closing(Doubler())
    end = closing(InputStream())
    source.configure()
    doubler.configure()
    source.output.configure(protocol=protocol, units="counts")
    doubler.input.connect(source.output)
    doubler.output.configure(protocol=protocol)
    end.connect(doubler.output)
    for node in (source, doubler):
        node.initialize()
    for _ in range(3):
        doubler.start()
        source.start()
        assert source.running() and doubler.running()
        for expected in (10, 20, 30):
            assert end.poll(5000)
            index, data = end.recv()
            assert index == expected
            assert data is not None and data[:, 0].tolist() == list(range(2 * expected - 20, 2 * expected, 2))
        source.stop()
        doubler.stop()
        assert not (source.running() or doubler.running())
        end.empty_queue()
        doubler.input.empty_queue()
    assert doubler.input.params["units"] == "counts"


def test_what_waits_at_a_stop_is_received(closing: Callable[[Any], Any]) -> None:
    source, sink = closing(Source()), closing(Sink())
    ready(source, total=500, pause_s=0)
    sink.configure()
    sink.input.connect(source.output)
    sink.initialize()
    source.start()
    assert source.wait(60)
    assert source.running()
    sink.start()
    source.stop()
    sink.stop()
    assert sink.received() == (500, 3 * sum(range(500)))


def test_input_and_output_are_the_only_ones(closing: Callable[[Any], Any]) -> None:
    told, doubler = closing(Told()), closing(Doubler())
    assert (doubler.input, doubler.output) == (doubler.inputs["signal"], doubler.outputs["signal"])
    assert told.output is told.outputs["out"]
    with pytest.raises(AssertionError, match=r"not one input but 2 \(first, second\)"):
        _ = told.input
    with pytest.raises(AssertionError, match=r"not one output but 0 \(none\)"):
        _ = closing(Sink("last")).output


def test_hooks_are_called_once_each_in_their_order(closing: Callable[[Any], Any]) -> None:
    node, other = closing(Told()), closing(OutputStream())
    other.configure(protocol="inproc", dtype="int64", shape=(-1, 2))
    node.configure(rate=3.0)
    node.inputs["second"].connect(other)
    node.output.configure(protocol="inproc")
    node.initialize()
    node.start()
    node.stop()
    node.close()
    assert node.called == [
        "configure",
        "connected second",
        "configured out",
        "check inputs",
        "check outputs",
        "initialize",
        "start",
        "stop",
        "close",
    ]


@pytest.mark.parametrize("hook", ["check inputs", "check outputs", "initialize"])
def test_a_failed_check_leaves_a_node_uninitialized(closing: Callable[[Any], Any], hook: str) -> None:
    node = closing(Told())
    node.configure()
    node.raising = (hook, ValueError("no such rate"))
    with pytest.raises(ValueError, match="no such rate"):
        node.initialize()
    assert (node.configured(), node.initialized(), node.called[-1]) == (True, False, hook)
    node.raising = None
    node.initialize()
    assert node.initialized()


def test_a_node_is_closed_whatever_it_was_connected_to() -> None:
    node, doubler = Told(), Doubler()
    ready(doubler)
    for one in (node, doubler):
        one.close()
        one.close()
        assert one.closed() and not (one.configured() or one.initialized() or one.running())
    assert node.called == ["close"]
    assert not doubler.output.configured


def test_streams_are_closed_though_the_close_fails() -> None:
    node = ready(Told())
    node.raising = ("close", OSError("no answer"))
    with pytest.raises(OSError, match="no answer"):
        node.close()
    assert node.closed() and not node.output.configured


class Slow(Node):
    """Takes its time to start."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.goes_on = threading.Event(), threading.Event()

    def _start(self) -> None:
        self.begun.set()
        self.goes_on.wait()

    def _stop(self) -> None:
        pass


def test_states_are_read_while_another_thread_starts(closing: Callable[[Any], Any]) -> None:
    node = ready(closing(Slow()))
    starting = threading.Thread(target=node.start)
    starting.start()
    assert node.begun.wait(60)
    assert (node.configured(), node.initialized(), node.running(), node.closed()) == (
        True,
        True,
        False,
        False,
    )
    refused: list[BaseException] = []

    def start_again() -> None:
        try:
            node.start()
        except NodeStateError as error:
            refused.append(error)

    second = threading.Thread(target=start_again)
    second.start()
    node.goes_on.set()
    starting.join()
    second.join()
    assert node.running() and len(refused) == 1


def test_a_failed_start_raises_what_it_met(closing: Callable[[Any], Any]) -> None:
    node = ready(closing(Told()))
    error = OSError(5, "no cable")
    node.raising = ("start", error)
    with pytest.raises(OSError, match="no cable") as caught:
        node.start()
    assert caught.value is error
    assert (node.running(), node.initialized()) == (False, True)
    node.raising = None
    node.start()
    assert node.running()


def test_a_thread_that_fails_is_told(closing: Callable[[Any], Any], caplog: pytest.LogCaptureFixture) -> None:
    node = ready(closing(Failing("pilatus")))
    for _ in range(2):
        node.fails.clear()
        node.start()
        assert (node.running(), node.failure()) == (True, None)
        node.fails.set()
        wait_until(lambda: node.state is NodeState.FAULT, "the failure is known")
        assert not node.running() and isinstance(node.failure(), OSError)
        with pytest.raises(NodeStateError, match="raises what failed"):
            node.start()
        with pytest.raises(OSError, match="on fire"):
            node.stop()
        assert node.state is NodeState.INITIALIZED
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "pilatus failed: [Errno 5] the detector is on fire" in caplog.text
    node.fails.set()
    node.start()
    assert node.wait(60)
    node.close()


def test_a_thread_that_does_not_end_is_told(closing: Callable[[Any], Any]) -> None:
    class Deaf(ThreadedNode):
        stop_timeout_s = 0.05
        hears = threading.Event()

        def _run(self) -> None:
            self.hears.wait()

    node = ready(closing(Deaf("deaf")))
    node.start()
    with pytest.raises(NodeStuck, match=r"deaf did not end within 0.05 s"):
        node.stop()
    assert node.state is NodeState.FAULT
    Deaf.hears.set()
    assert node.wait(60)
    with pytest.raises(NodeStuck):
        node.stop()
    assert node.state is NodeState.INITIALIZED


@pytest.fixture
def types() -> Iterator[None]:
    before = dict(all_nodes)
    yield
    all_nodes.clear()
    all_nodes.update(before)


@pytest.mark.usefixtures("types")
def test_node_types_are_known_by_name() -> None:
    register_node_type(Source)
    register_node_type(Source)
    register_node_type(Sink, "Drain")
    register_node_type_from_module("tests.acquisition.node_types", "Doubler")
    assert (node_type("Source"), node_type("Drain"), node_type("Doubler")) == (Source, Sink, Doubler)
    with pytest.raises(NodeTypeTaken, match="Source"):
        register_node_type(Sink, "Source")
    with pytest.raises(UnknownNodeType, match=r"no node type Nobody \(there is .*Doubler") as caught:
        node_type("Nobody")
    assert isinstance(caught.value, KeyError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(TypeError, match="Node"):
        register_node_type(dict)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):
        register_node_type_from_module("tests.acquisition.node_types", "Nobody")
