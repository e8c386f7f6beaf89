from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import (
    ChunkRefused,
    IndexGoesBack,
    InputStream,
    OutputStream,
    OverrunError,
    SendBlocked,
    StreamError,
    TransferModePlanned,
    all_transfermodes,
    register_transfermode,
)
from nexus_writer.acquisition.stream_params import complete
from nexus_writer.acquisition.udp_channel import HELLO, WELCOME, UdpPublisher, UdpSubscriber
from nexus_writer.acquisition.wire import INLINE, pack_head
from nexus_writer.acquisition.zmq_channel import ZmqPublisher
from tests.acquisition.conftest import Connect
from tests.acquisition.programs import answer, program
from tests.waiting import allowed_s, wait_until

STREAM = {"shape": (-1, 16)}
SHARED = {"transfermode": "sharedmem", "buffer_size": 64}
MODES = [{}, SHARED]


@pytest.fixture
def connected(connected_by: Connect) -> Connect:
    return lambda **params: connected_by(**STREAM | params)


def samples(count: int, channels: int = 16) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).normal(size=(count, channels)).astype("float32")


def received(inp: InputStream, timeout_ms: int = 200) -> list[np.ndarray[Any, Any]]:
    chunks = []
    while inp.poll(timeout_ms):
        data = inp.recv(return_data=True)[1]
        assert data is not None
        chunks.append(data)
    return chunks


@pytest.mark.parametrize("protocol", ["tcp", "inproc", "ipc", "inpc", "udp"])
def test_a_chunk_arrives_bit_for_bit(connected: Connect, protocol: str) -> None:
    output, inp = connected(protocol=protocol)
    for count in (1, 20, 1000):
        chunk = samples(count)
        output.send(chunk)
        index, data = inp.recv()
        assert index == output.last_index
        np.testing.assert_array_equal(data, chunk)
    assert inp.lost == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_index_is_that_of_the_last_sample(connected: Connect, mode: dict[str, Any]) -> None:
    output, inp = connected(**mode)
    for index, expected in ((None, 5), (None, 10), (1000, 1000), (None, 1005)):
        output.send(samples(5), index=index)
        assert inp.recv()[0] == expected
    with pytest.raises(IndexGoesBack):
        output.send(samples(5), index=1009)
    assert (output.last_index, inp.lost) == (1005, 0)


@pytest.mark.parametrize("rows", [8, 2000])
def test_arrays_of_any_layout_arrive_equal(connected: Connect, rows: int) -> None:
    output, inp = connected()
    whole = samples(2 * rows, 32)
    for chunk in (
        whole[::2, :16],
        np.asfortranarray(whole[:, :16]),
        whole[::-1, 16:],
        whole[:, ::-2],
        whole[:16].T[:, :16],
        whole[:0, :16],
    ):
        output.send(chunk)
        np.testing.assert_array_equal(inp.recv()[1], chunk)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "dtype", [[("datetime", "datetime64[ms]"), ("message", "S32")], [("r", "u2"), ("g", "u2"), ("b", "u2")]]
)
def test_structured_samples_arrive_equal(connected: Connect, mode: dict[str, Any], dtype: Any) -> None:
    output, inp = connected(shape=(-1,), dtype=dtype, **mode)
    chunk = np.frombuffer(os.urandom(10 * np.dtype(dtype).itemsize), dtype)
    output.send(chunk)
    data = inp.recv(return_data=True)[1]
    assert data is not None
    assert data.dtype == np.dtype(dtype)
    assert data.tobytes() == chunk.tobytes()


def test_connect_takes_an_output_its_proxy_or_its_params(connected: Connect) -> None:
    output, _ = connected(channel_info=[{"name": "a"}])

    class Proxy:
        params = output.params

    for source in (output, Proxy(), json.loads(json.dumps(output.params))):
        inp = InputStream()
        inp.connect(source)
        assert inp.params["channel_info"] == [{"name": "a"}]
        inp.close()
    for wrong in (3, "tcp://127.0.0.1:1", None):
        with pytest.raises(TypeError, match="connects to an OutputStream"):
            InputStream().connect(wrong)


def test_what_the_spec_of_an_output_fixes_stays() -> None:
    output = OutputStream(spec={"dtype": "int16"})
    with pytest.raises(ValueError, match="needs dtype='int16', and was given dtype='float32'"):
        output.configure(dtype="float32")
    assert not output.configured
    output.configure(dtype="<i2")
    assert output.configured
    output.close()


def test_the_spec_of_an_input_is_checked(connected: Connect) -> None:
    output, _ = connected()
    before = dict(output.params)
    for key, value in (
        ("dtype", "int16"),
        ("shape", (-1, 3)),
        ("transfermode", "sharedmem"),
        ("protocol", "ipc"),
    ):
        with pytest.raises(ValueError, match=f"needs {key}=") as error:
            InputStream(spec={key: value}).connect(output)
        assert repr(value) in str(error.value)
        assert repr(output.params[key]) in str(error.value)
    inp = InputStream(spec={"shape": [100, -1], "dtype": np.float32, "units": "V"})
    inp.connect(output)
    assert inp.params["units"] == "V"
    assert output.params == before
    inp.close()


def test_parameters_that_can_not_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[ZmqPublisher] = []
    monkeypatch.setattr(
        "nexus_writer.acquisition.output_stream.ZmqPublisher", lambda *_: opened.append(_) or ZmqPublisher(*_)
    )
    for wrong, says in (
        ({"shape": (0, 3)}, "shape"),
        ({"shape": (-1, 0)}, "shape"),
        ({"shape": 5}, r"shape 5: give a length for each axis, like \(-1, 5\)"),
        ({"port": 99999}, "port 99999: give a number from 1 to 65535, or"),
        ({"port": "http"}, "port 'http': give a number"),
        ({"transfermode": "pigeon"}, "unknown transfer mode 'pigeon': use one of plaindata, sharedmem"),
        ({"protocol": "http"}, "use tcp, ipc, inproc or udp"),
        ({"compression": "zip"}, "unknown compression"),
        ({"streamtype": "smell"}, "unknown streamtype"),
        ({"sample_rate": 0}, "Hz above 0"),
        ({"transfermode": "sharedmem"}, "needs buffer_size"),
        ({"policy": "pray"}, "policy 'pray'"),
        ({"protocol": "udp", "policy": "block"}, "not possible with udp"),
        ({"dtype": "int16", "scale": 2}, "need a stream of floats"),
    ):
        output = OutputStream()
        with pytest.raises(ValueError, match=says):
            output.configure(**wrong)
        assert not output.configured
    assert not opened
    with pytest.raises(StreamError, match="no stream can be opened"):
        OutputStream().configure(interface="203.0.113.1")


def test_planned_transfer_modes_are_known_by_name() -> None:
    for name in ("shared_cuda_buffer", "share_opencl_buffer"):
        with pytest.raises(TransferModePlanned, match="planned and not there yet: use 'sharedmem'"):
            OutputStream().configure(transfermode=name)


def test_transfer_modes_can_be_registered(connected: Connect) -> None:
    assert set(all_transfermodes) == {"plaindata", "sharedmem"}
    register_transfermode("mine", *all_transfermodes["plaindata"])
    try:
        output, inp = connected(transfermode="mine")
        output.send(samples(3))
        assert inp.recv()[0] == 3
    finally:
        del all_transfermodes["mine"]


@pytest.mark.parametrize("name", ["sharedmem", "sharedarray"])
def test_shared_memory_is_read_on_request(connected: Connect, name: str) -> None:
    output, inp = connected(transfermode=name, buffer_size=64)
    chunks = [samples(10) + k for k in range(3)]
    for chunk in chunks:
        output.send(chunk)
    assert inp.recv() == (10, None)
    for keyword, chunk in (("return_data", chunks[1]), ("with_data", chunks[2])):
        np.testing.assert_array_equal(inp.recv(**{keyword: True})[1], chunk)
    np.testing.assert_array_equal(inp[5:25], np.concatenate(chunks)[5:25])
    np.testing.assert_array_equal(inp.get_data(0, 30), np.concatenate(chunks))


def test_parameters_of_the_shared_ring(connected: Connect) -> None:
    output, inp = connected(
        transfermode="sharedmem", buffer_size=40, double=True, axisorder=(1, 0), fill=-1, port="*"
    )
    assert (inp[:] == -1).all()
    for _ in range(3):
        output.send(samples(30))
    view = inp[55:85]
    assert inp[:].shape == (40, 16)
    assert view.strides[1] > view.strides[0]
    assert np.shares_memory(view, inp[60:70])
    with pytest.raises(ChunkRefused, match="into a ring of 40"):
        output.send(samples(41))
    assert output.last_index == 90


@pytest.mark.parametrize("name", ["blosclz", "blosc-blosclz", "blosc-lz4", "lz4"])
def test_compressed_chunks(connected: Connect, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    original = ZmqPublisher.send
    monkeypatch.setattr(
        ZmqPublisher,
        "send",
        lambda self, head, body=None: sent.append(len(head) + len(body or b"")) or original(self, head, body),
    )
    output, inp = connected(compression=name)
    for chunk in (np.zeros((5000, 16), "float32"), samples(5000), np.asfortranarray(samples(7)), samples(0)):
        output.send(chunk)
        np.testing.assert_array_equal(inp.recv()[1], chunk)
    assert sent[0] < 5000


@pytest.mark.parametrize("mode", MODES)
def test_scale_and_offset_are_applied(connected: Connect, mode: dict[str, Any]) -> None:
    output, inp = connected(scale=2, offset=10, **mode)
    for dtype in ("float32", "int16"):
        chunk = np.arange(64, dtype=dtype).reshape(4, 16)
        output.send(chunk)
        data = inp.recv(return_data=True)[1]
        assert data is not None
        assert data.dtype == np.float32
        np.testing.assert_array_equal(data, 10 + 2 * chunk)
    with pytest.raises(ChunkRefused):
        output.send(samples(3).astype("float64"))


@pytest.mark.parametrize("mode", MODES)
def test_a_wrong_chunk_is_not_sent(connected: Connect, mode: dict[str, Any]) -> None:
    output, inp = connected(**mode)
    for wrong in (samples(4).astype("float64"), samples(4, 15), samples(4)[0], b"123", [1.0]):
        with pytest.raises(ChunkRefused):
            output.send(wrong)  # type: ignore[arg-type]
    assert output.last_index == 0
    assert not inp.poll(20)
    output.send(samples(4).tobytes())
    np.testing.assert_array_equal(inp.recv(return_data=True)[1], samples(4))


@pytest.mark.parametrize("policy", ["block", "drop_newest", "drop_oldest"])
def test_poll_and_empty_queue(connected: Connect, policy: str) -> None:
    output, inp = connected(policy=policy)
    began = time.monotonic()
    assert inp.poll(timeout=50) is False
    assert 0.04 < time.monotonic() - began < allowed_s(0.05)
    for _ in range(5):
        output.send(samples(3))
    assert inp.poll(timeout=1000) is True
    while inp.poll(100):
        inp.empty_queue()
    assert inp.poll(0) is False
    output.send(samples(3))
    assert inp.recv()[0] == 18
    assert inp.lost == 0


def test_the_buffer_of_an_input(connected: Connect) -> None:
    output, inp = connected()
    inp.set_buffer(size=100)
    whole = samples(120)
    for start in range(0, 120, 20):
        output.send(whole[start : start + 20])
        inp.recv()
    np.testing.assert_array_equal(inp[20:120], whole[20:])
    inp.set_buffer(size=50)
    np.testing.assert_array_equal(inp.get_data(20, 120), whole[20:])
    inp.set_buffer(size=200)
    assert inp[:].shape == (200, 16)
    assert np.isnan(inp[:]).all()


def test_the_shared_ring_is_the_buffer_if_it_will_do(connected: Connect) -> None:
    output, inp = connected(transfermode="sharedmem", buffer_size=64, double=True)
    inp.set_buffer(size=60)
    output.send(samples(10))
    assert inp[0:10].flags.writeable is False
    inp.set_buffer(size=65)
    output.send(samples(20))
    for _ in range(2):
        assert inp.recv()[1] is None
    np.testing.assert_array_equal(inp[10:30], samples(20))
    assert inp[0:10].flags.writeable is True


def test_calls_at_the_wrong_time_say_what_to_do(connected: Connect) -> None:
    output, inp = OutputStream(name="signals"), InputStream(name="in")
    for call in (lambda: output.send(samples(1)), output.reset_buffer_index, lambda: inp.connect(output)):
        with pytest.raises(StreamError, match=r"call (its )?configure\(\) first"):
            call()
    for receive in (inp.recv, inp.poll, inp.empty_queue, lambda: inp[0:1], lambda: inp.set_buffer(1)):
        with pytest.raises(StreamError, match=r"call connect\(output\) first"):
            receive()
    for stream in (output, inp):
        stream.close()
        stream.close()
    output, inp = connected()
    with pytest.raises(StreamError, match="connected already"):
        inp.connect(output)
    for read in (lambda: inp[0:1], lambda: inp.get_data(0, 1)):
        with pytest.raises(TypeError, match="no ring buffer is configured"):
            read()
    output.close()
    with pytest.raises(StreamError):
        output.send(samples(1))


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, connected: Connect) -> None:
    for channel in ("zmq_channel", "udp_channel"):
        monkeypatch.setattr(f"nexus_writer.acquisition.{channel}.CONNECT_TIMEOUT_S", 0.3)
    for protocol in ("tcp", "udp"):
        output = OutputStream()
        output.configure(protocol=protocol)
        params = output.params
        output.close()
        with pytest.raises(StreamError, match="no sender answers at"):
            InputStream().connect(params)


@pytest.mark.parametrize("mode", MODES)
def test_the_index_begins_again(connected: Connect, mode: dict[str, Any]) -> None:
    output, inp = connected(**mode)
    inp.set_buffer(size=100)
    for _ in range(3):
        for _ in range(2):
            output.send(samples(6))
        assert [inp.recv()[0], inp.recv()[0]] == [6, 12]
        np.testing.assert_array_equal(inp[6:12], samples(6))
        output.reset_buffer_index()
        inp.reset_buffer_index()
    assert inp.lost == 0


FIRST = """
import json, sys
from nexus_writer.acquisition import InputStream
for line in sys.stdin:
    stream = InputStream()
    stream.connect(json.loads(line))
    print("connected", flush=True)
    print(stream.recv(return_data=True)[0] if stream.poll(5000) else "nothing", flush=True)
    stream.close()
"""


@pytest.mark.parametrize("protocol", ["tcp", "ipc"])
def test_the_first_chunk_after_connect_is_received(protocol: str) -> None:
    """100 times for each protocol, by another process."""
    output = OutputStream()
    output.configure(protocol=protocol)
    with program(FIRST) as receiver:
        assert receiver.stdin
        for number in range(1, 101):
            receiver.stdin.write(json.dumps(output.params) + "\n")
            receiver.stdin.flush()
            assert answer(receiver) == "connected"
            output.send(np.zeros((1, 1), "float32"))
            assert answer(receiver) == str(number)
    output.close()


CHUNKS = 600


def flood(output: OutputStream, count: int = CHUNKS) -> None:
    for number in range(count):
        output.send(np.full((10, 4000), number, "float32"))


@pytest.mark.parametrize("policy", ["drop_newest", "drop_oldest"])
def test_a_slow_reader_knows_what_it_lost(connected: Connect, policy: str) -> None:
    output, inp = connected(shape=(-1, 4000), policy=policy, queue_chunks=5)
    flood(output)
    chunks = received(inp)
    output.send(np.full((10, 4000), CHUNKS, "float32"))
    chunks += received(inp)
    assert all((chunk == chunk[0, 0]).all() for chunk in chunks)
    numbers = [int(chunk[0, 0]) for chunk in chunks]
    assert numbers == sorted(set(numbers))
    assert inp.lost == 10 * (CHUNKS + 1 - len(numbers)) > 0
    assert inp.lost_chunks == CHUNKS + 1 - len(numbers)
    kept = numbers[:-1]
    assert (kept[0] == 0) if policy == "drop_newest" else (kept[-1] == CHUNKS - 1)


BUSY = """
import json, random, sys
from nexus_writer.acquisition import InputStream
numbers = [random.random() for _ in range(1_000_000)]
stream = InputStream()
stream.connect(json.loads(sys.argv[1]))
print("connected", flush=True)
numbers.sort()  # no other thread of this process runs meanwhile
print("sorted", flush=True)
sys.stdin.readline()
last = came = 0
while stream.poll(500):
    last, data = stream.recv()
    came += len(data)
print(last, came + stream.lost, flush=True)
"""


def test_a_reader_that_was_busy_has_what_is_newest(connected: Connect) -> None:
    """Also when more came than all queues hold, while its thread could not run."""
    output = OutputStream()
    output.configure(shape=(-1, 1024), policy="drop_oldest", queue_chunks=5)
    chunk = np.zeros((1, 1024), "float32")
    with program(BUSY, json.dumps(output.params)) as busy:
        assert answer(busy) == "connected"
        for _ in range(12_000):
            output.send(chunk)
        assert answer(busy) == "sorted"
        assert busy.stdin
        busy.stdin.write("go\n")
        busy.stdin.flush()
        assert answer(busy) == "12000 12000"
    output.close()


def test_a_slow_reader_holds_up_a_sender_that_blocks(connected: Connect) -> None:
    output, inp = connected(shape=(-1, 4000), policy="block", queue_chunks=5)
    sender = threading.Thread(target=flood, args=(output,))
    sender.start()
    sender.join(0.3)
    assert sender.is_alive()
    numbers = [int(chunk[0, 0]) for chunk in received(inp, 500)]
    sender.join()
    assert numbers == list(range(CHUNKS))
    assert inp.lost == 0


def test_a_sender_that_blocks_gives_up(connected: Connect) -> None:
    output, inp = connected(shape=(-1, 4000), queue_chunks=5, send_timeout_s=0.1)
    with pytest.raises(SendBlocked, match=r"took no chunk for 0\.1 s"):
        flood(output)
    sent = output.last_index
    assert sum(map(len, received(inp))) == sent
    output.send(np.zeros((10, 4000), "float32"))
    assert inp.recv()[0] == sent + 10
    assert inp.lost == 0


def test_a_slow_reader_of_shared_memory_is_told_once(connected: Connect) -> None:
    output, inp = connected(**SHARED)
    for _ in range(100):
        output.send(samples(4))
    with pytest.raises(OverrunError) as overrun:
        inp.recv(return_data=True)
    assert overrun.value.lost == inp.lost == 400
    assert not inp.poll(50)
    output.send(samples(8))
    assert inp.poll(1000)
    index, data = inp.recv(return_data=True)
    assert index == 408
    np.testing.assert_array_equal(data, samples(8))
    assert (inp.lost, inp.lost_chunks) == (400, 100)


def test_no_chunk_of_a_free_run_is_mixed(connected: Connect, full: bool) -> None:
    """Each chunk is all one number; what is lost and what came are all that was sent."""
    output, inp = connected(shape=(-1, 4096), dtype="int32", transfermode="sharedmem", buffer_size=32)
    deadline = time.monotonic() + (3 if full else 1)
    sent = 0

    def run() -> None:
        nonlocal sent
        while time.monotonic() < deadline:
            output.send(np.full((4, 4096), sent, "int32"))
            sent += 1

    sender = threading.Thread(target=run)
    sender.start()
    came = overruns = 0
    while sender.is_alive() or inp.poll(100):
        if not inp.poll(10):
            continue
        try:
            index, data = inp.recv(return_data=True)
        except OverrunError:
            overruns += 1
            continue
        assert data is not None
        assert (data == index // 4 - 1).all()
        came += 1
    sender.join()
    assert 4 * came + inp.lost == 4 * sent
    assert came
    assert overruns


@pytest.mark.parametrize("mode", MODES)
def test_two_inputs_get_every_chunk(connected: Connect, mode: dict[str, Any]) -> None:
    output, first = connected(**mode)
    second = InputStream()
    second.connect(output)
    for _ in range(5):
        output.send(samples(2))
    assert [len(received(first)), len(received(second))] == [5, 5]
    first.close()
    for _ in range(5):
        output.send(samples(2))
    assert len(received(second)) == 5
    assert second.lost == 0
    second.close()


def test_datagrams_that_are_lost_are_counted(connected: Connect) -> None:
    output, inp = connected(protocol="udp", shape=(-1, 1500), port="*")
    flood_chunk = np.zeros((10, 1500), "float32")
    for _ in range(2000):
        output.send(flood_chunk)
    came = len(received(inp))
    output.send(flood_chunk)
    came += len(received(inp))
    assert 0 < came < 2001
    assert inp.lost == 10 * (2001 - came)
    with pytest.raises(ChunkRefused, match="larger than a datagram"):
        output.send(np.zeros((11, 1500), "float32"))


def test_hooks_of_a_node_are_called_by_name() -> None:
    class Node:
        called: list[tuple[str, str]]

        def after_output_configure(self, name: str) -> None:
            self.called.append(("output", name))

        def after_input_connect(self, name: str) -> None:
            self.called.append(("input", name))

    node = Node()
    node.called = []
    output, inp = OutputStream(node=node, name="a"), InputStream(node=node, name="b")
    output.configure()
    inp.connect(output)
    assert node.called == [("output", "a"), ("input", "b")]
    inp.close()
    output.close()


def test_a_datagram_that_is_no_news_is_not_waited_behind(connected: Connect) -> None:
    """A second answer to hello, and a chunk that comes twice: a network may do both."""
    output, inp = connected(protocol="udp")
    channel, source = output._channel, inp._source
    assert isinstance(channel, UdpPublisher) and isinstance(source, UdpSubscriber)
    source._socket.send(HELLO)
    assert not inp.poll(300)
    output.send(samples(5))
    (receiver,) = channel._receivers
    channel._socket.sendto(pack_head(INLINE, 0, 0, 5, (5, 16)) + bytes(320), receiver)
    output.send(samples(5))
    assert [inp.recv()[0] for _ in range(2)] == [5, 10]
    channel._socket.sendto(pack_head(INLINE, 0, 0, 5, (5, 16)) + bytes(320), receiver)
    assert not inp.poll(300)
    assert inp.lost == 0


def test_udp_receivers_that_are_gone_without_a_word_are_sent_nothing(connected: Connect) -> None:
    output, inp = connected(protocol="udp")
    channel = output._channel
    assert isinstance(channel, UdpPublisher)
    for _ in range(20):
        other = UdpSubscriber(output.params)
        other._socket.close()
    assert len(channel._receivers) == 21
    sent = 0

    def only_one_is_left() -> bool:
        nonlocal sent
        sent += 5
        output.send(samples(5))
        assert inp.recv()[0] == sent
        return len(channel._receivers) == 1

    wait_until(only_one_is_left, "the others are forgotten", 10)
    assert inp.lost == 0


def test_a_udp_receiver_whose_welcome_is_lost_asks_again() -> None:
    """The sender's first answer is lost, and what it sends comes at once."""
    sender, inp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), InputStream()
    sender.bind(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        hellos, receiver = 0, None
        sender.settimeout(0.01)
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                _, receiver = sender.recvfrom(64)
                hellos += 1
            if receiver is not None:
                sender.sendto(WELCOME if hellos > 1 else pack_head(INLINE, 0, 0, 1, (1, 1)), receiver)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        params = complete({}, {"protocol": "udp"})
        inp.connect({**params, "url": f"udp://127.0.0.1:{sender.getsockname()[1]}"})
        assert inp.connected
    finally:
        inp.close()
        over.set()
        thread.join()
        sender.close()
