"""Nodes that change streams: no sample is lost on the way, and none gets another index."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import InputStream, OutputStream, SendBlocked, StreamError
from nexus_writer.acquisition.detectors import ChannelSplitter, ChunkResizer, StreamConverter
from nexus_writer.acquisition.nodes import Node, NodeState
from nexus_writer.acquisition.nodes.registry import all_nodes
from tests.waiting import wait_until

Pipe = Callable[..., tuple[OutputStream, Node, dict[str, InputStream]]]
Chunks = list[tuple[int, np.ndarray[Any, Any]]]
INFO = [{"name": name, "units": "V"} for name in "abcd"]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """An output, a node behind it that runs, and inputs of all of its outputs."""
    nodes: list[Node] = []
    streams: list[InputStream | OutputStream] = []

    def make(
        kind: type[Node],
        source: dict[str, Any] | None = None,
        sink: dict[str, Any] | None = None,
        **options: Any,
    ) -> tuple[OutputStream, Node, dict[str, InputStream]]:
        output, node = OutputStream(), kind()
        streams.append(output)
        nodes.append(node)
        output.configure(
            **{"shape": (-1, 4), "dtype": "float64", "units": "V", "channel_info": INFO, **(source or {})}
        )
        node.configure(**options)
        node.input.connect(output)
        inputs = {}
        for name, made in node.outputs.items():
            made.configure(**(sink or {}))
            inputs[name] = InputStream()
            inputs[name].connect(made)
            streams.append(inputs[name])
        node.initialize()
        node.start()
        return output, node, inputs

    yield make
    for node in nodes:
        if node.running():
            node.stop()
        node.close()
    for stream in streams:
        stream.close()


def rows(start: int, stop: int) -> np.ndarray[Any, Any]:
    """Rows that tell their number."""
    return np.arange(4 * start, 4 * stop, dtype="float64").reshape(-1, 4)


def chunks(stream: InputStream, samples: int) -> Chunks:
    found: Chunks = []
    while sum(len(data) for _, data in found) < samples:
        assert stream.poll(20_000), found
        index, data = stream.recv(return_data=True)
        assert data is not None
        found.append((index, np.array(data)))
    assert not stream.poll(50)
    return found


def assert_rows(found: Chunks, expected: np.ndarray[Any, Any]) -> None:
    """From row 0 on, each chunk with the index that belongs to it."""
    data = np.concatenate([data for _, data in found])
    assert data.dtype == expected.dtype
    np.testing.assert_array_equal(data, expected)
    assert [index for index, _ in found] == np.cumsum([len(data) for _, data in found]).tolist()


SHARED = {"transfermode": "sharedmem", "buffer_size": 64, "policy": "block"}


@pytest.mark.parametrize(("source", "sink"), [({}, SHARED), (SHARED, {"protocol": "ipc"})])
def test_a_converter_changes_transfer_mode_and_dtype(
    pipe: Pipe, source: dict[str, Any], sink: dict[str, Any]
) -> None:
    output, _, inputs = pipe(StreamConverter, source, sink, dtype="int32")
    for start in range(0, 200, 10):
        output.send(rows(start, start + 10))
    assert_rows(chunks(inputs["out"], 200), rows(0, 200).astype("int32"))
    params = inputs["out"].params
    assert (params["units"], params["channel_info"]) == ("V", INFO)
    assert params["transfermode"] == sink.get("transfermode", "plaindata")


def test_a_converter_keeps_gaps_and_follows_a_new_beginning(pipe: Pipe) -> None:
    output, _, inputs = pipe(StreamConverter)
    output.send(rows(0, 5))
    output.send(rows(50, 60), index=60)
    assert [index for index, _ in chunks(inputs["out"], 15)] == [5, 60]
    output.reset_buffer_index()
    output.send(rows(0, 7))
    assert [index for index, _ in chunks(inputs["out"], 7)] == [7]
    assert inputs["out"].lost == 0


def test_what_waits_when_a_node_is_stopped_is_passed_on(pipe: Pipe) -> None:
    output, node, inputs = pipe(StreamConverter)
    for start in range(0, 500, 5):
        output.send(rows(start, start + 5))
    node.stop()
    assert_rows(chunks(inputs["out"], 500), rows(0, 500))


def test_a_sender_that_goes_on_does_not_hold_up_a_stop(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(StreamConverter, "drain_s", 0.5)
    output, node, inputs = pipe(StreamConverter, {"send_timeout_s": 0.1}, {"policy": "drop_newest"})
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            with contextlib.suppress(SendBlocked):
                output.send(rows(output.last_index, output.last_index + 10))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        wait_until(lambda: inputs["out"].poll(0), "samples")
        node.stop()
        assert node.state is NodeState.INITIALIZED
        assert "what came later than 0.5 s after the stop was left" in caplog.text
    finally:
        over.set()
        sender.join()


def test_a_receiver_that_takes_nothing_does_not_hold_up_a_stop(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    """Each chunk that waits would be tried for two seconds."""
    sink = {"transfermode": "sharedmem", "buffer_size": 10, "policy": "block", "send_timeout_s": 2.0}
    output, node, inputs = pipe(StreamConverter, sink=sink)
    for start in range(0, 300, 10):
        output.send(rows(start, start + 10))
    wait_until(lambda: inputs["out"].poll(0), "samples")
    node.stop()
    assert node.state is NodeState.INITIALIZED
    assert "a receiver took none of them" in caplog.text


def test_a_splitter_sends_channels_apart(pipe: Pipe) -> None:
    output, _, inputs = pipe(ChannelSplitter, output_channels={"left": [0, 1], "right": [3, 0, 3]})
    for start in range(0, 60, 20):
        output.send(rows(start, start + 20))
    assert_rows(chunks(inputs["left"], 60), rows(0, 60)[:, :2])
    assert_rows(chunks(inputs["right"], 60), rows(0, 60)[:, [3, 0, 3]])
    assert [info["name"] for info in inputs["right"].params["channel_info"]] == ["d", "a", "d"]
    assert inputs["left"].params["shape"] == (-1, 2)


def test_a_splitter_of_spectra(pipe: Pipe) -> None:
    output, _, inputs = pipe(
        ChannelSplitter, {"shape": (-1, 4, 8), "channel_info": INFO}, output_channels={"one": [2]}
    )
    spectra = np.random.default_rng(0).random((10, 4, 8))
    output.send(spectra)
    assert_rows(chunks(inputs["one"], 10), spectra[:, 2:3])


@pytest.mark.parametrize("size", [1, 7, 20, 64])
def test_a_resizer_cuts_chunks_of_one_size(pipe: Pipe, size: int) -> None:
    output, node, inputs = pipe(ChunkResizer, chunk_points=size)
    for start, stop in ((0, 1), (1, 50), (50, 50), (50, 53), (53, 150)):
        output.send(rows(start, stop))
    node.stop()
    found = chunks(inputs["out"], 150)
    assert_rows(found, rows(0, 150))
    assert {len(data) for _, data in found[:-1]} == {size}
    assert len(found[-1][1]) == (150 % size or size)


def test_a_resizer_moves_no_sample_over_a_gap(pipe: Pipe) -> None:
    output, node, inputs = pipe(ChunkResizer, chunk_points=10)
    output.send(rows(0, 14))
    output.send(rows(100, 113), index=113)
    node.stop()
    found = chunks(inputs["out"], 27)
    assert [(index, len(data)) for index, data in found] == [(10, 10), (14, 4), (110, 10), (113, 3)]
    for index, data in found:
        np.testing.assert_array_equal(data, rows(index - len(data), index))


def test_a_chain_of_nodes(pipe: Pipe) -> None:
    output, _, first = pipe(ChannelSplitter, output_channels={"ab": [0, 1]}, sink=SHARED)
    converter = StreamConverter()
    converter.configure(dtype="float32")
    converter.input.connect(first["ab"].params)
    converter.output.configure()
    stream = InputStream()
    stream.connect(converter.output)
    converter.initialize()
    converter.start()
    for start in range(0, 40, 10):
        output.send(rows(start, start + 10))
    assert_rows(chunks(stream, 40), rows(0, 40)[:, :2].astype("float32"))
    converter.stop()
    stream.close()
    converter.close()


def test_a_channel_that_is_not_there_is_refused(pipe: Pipe) -> None:
    with pytest.raises(ValueError, match="output x takes channel 4, the input has 4"):
        pipe(ChannelSplitter, output_channels={"x": [4]})
    with pytest.raises(ValueError, match="give one or more, from 0 on"):
        pipe(ChannelSplitter, output_channels={"x": []})
    with pytest.raises(ValueError, match="chunk_points 0: give 1 or more"):
        pipe(ChunkResizer, chunk_points=0)


def test_streams_that_are_not_there_are_told() -> None:
    node = StreamConverter()
    node.configure()
    with pytest.raises(StreamError, match=r"is not connected: call its connect\(output\)"):
        node.initialize()
    output = OutputStream()
    output.configure()
    node.input.connect(output)
    with pytest.raises(
        StreamError, match=r"output out of StreamConverter is not open: call its configure\(\)"
    ):
        node.initialize()
    node.close()
    output.close()


def test_pipes_are_registered_by_name() -> None:
    for kind in (StreamConverter, ChannelSplitter, ChunkResizer):
        assert all_nodes[kind.__name__] is kind
