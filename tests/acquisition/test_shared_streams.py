"""Shared memory whose sender waits for its readers: nothing is lost, and the dead are not waited for."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
import pytest

from nexus_writer.acquisition import IndexGoesBack, InputStream, OutputStream, SendBlocked, StreamError
from tests.acquisition.conftest import Connect
from tests.acquisition.programs import answer, program
from tests.waiting import wait_until

STREAM = {
    "shape": (-1, 2),
    "dtype": "int64",
    "transfermode": "sharedmem",
    "buffer_size": 40,
    "policy": "block",
}


@pytest.fixture
def connected(connected_by: Connect) -> Connect:
    return lambda **params: connected_by(**STREAM | params)


def chunk(number: int, count: int = 10) -> np.ndarray[Any, Any]:
    return np.full((count, 2), number, "int64")


def value(inp: InputStream) -> int:
    data = inp.recv(return_data=True)[1]
    assert data is not None
    assert (data == data[0, 0]).all()
    return int(data[0, 0])


def flood(output: OutputStream, count: int) -> threading.Thread:
    def run() -> None:
        for number in range(count):
            output.send(chunk(number))

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.parametrize("double", [False, True])
def test_a_slow_reader_of_shared_memory_holds_up_a_sender_that_blocks(
    connected: Connect, double: bool
) -> None:
    output, inp = connected(double=double)
    sender = flood(output, 3000)
    wait_until(lambda: output.last_index == 40, "the ring is full")
    sender.join(0.1)
    assert output.last_index == 40
    assert [value(inp) for _ in range(3000)] == list(range(3000))
    sender.join()
    assert (inp.lost, inp.lost_chunks) == (0, 0)


def test_more_small_chunks_than_messages_are_kept(connected: Connect) -> None:
    output, inp = connected(buffer_size=100_000)
    numbers = 70_000

    def run() -> None:
        for number in range(numbers):
            output.send(chunk(number, 1))

    sender = threading.Thread(target=run)
    sender.start()
    wait_until(lambda: output.last_index >= 65_000, "as many as are kept")
    assert [value(inp) for _ in range(numbers)] == list(range(numbers))
    sender.join()
    assert inp.lost == 0


def test_a_sender_of_shared_memory_gives_up(connected: Connect) -> None:
    output, inp = connected(send_timeout_s=0.1)
    for number in range(4):
        output.send(chunk(number))
    with pytest.raises(SendBlocked, match=r"took no chunk for 0\.1 s"):
        output.send(chunk(99))
    assert output.last_index == 40
    assert [value(inp) for _ in range(4)] == [0, 1, 2, 3]
    output.send(chunk(4))
    assert (value(inp), inp.lost) == (4, 0)


def test_the_slowest_reader_counts_until_it_closes(connected: Connect) -> None:
    output, first = connected()
    second = InputStream()
    second.connect(output)
    sender = flood(output, 100)
    came = [value(first) for _ in range(4)]
    wait_until(lambda: output.last_index == 40, "held up by the second reader")
    assert not first.poll(50)
    assert value(second) == 0
    second.close()
    came += [value(first) for _ in range(96)]
    sender.join()
    assert came == list(range(100))
    assert first.lost == 0


READER = """
import json, sys
from nexus_writer.acquisition import InputStream
stream = InputStream()
stream.connect(json.loads(sys.argv[1]))
print("connected", flush=True)
stream.recv()
print("one", flush=True)
sys.stdin.readline()
"""


def test_a_dead_reader_is_not_waited_for(connected: Connect) -> None:
    output, inp = connected(send_timeout_s=60.0)
    with program(READER, json.dumps(output.params)) as reader:
        assert answer(reader) == "connected"
        sender = flood(output, 200)
        assert answer(reader) == "one"
        came = [value(inp) for _ in range(4)]
        wait_until(lambda: output.last_index == 40, "held up by the other process")
        reader.kill()
        came += [value(inp) for _ in range(196)]
    sender.join()
    assert came == list(range(200))


def test_a_view_stays_until_the_next_chunk_is_asked_for(connected: Connect) -> None:
    output, inp = connected(double=True)
    sender = flood(output, 20)
    for number in range(20):
        index, nothing = inp.recv()
        assert nothing is None
        view = inp[index - 10 : index]
        time.sleep(0.002)
        assert (view == number).all()
    sender.join()


def test_a_reset_waits_until_everything_is_read(connected: Connect) -> None:
    output, inp = connected()
    for number in range(3):
        output.send(chunk(number))
    output.reset_buffer_index()
    sender = flood(output, 6)
    sender.join(0.05)
    found = []
    for _ in range(9):
        index, data = inp.recv(return_data=True)
        assert data is not None
        found.append((index, int(data[0, 0])))
    sender.join()
    assert found == [(10, 0), (20, 1), (30, 2), *((10 * n + 10, n) for n in range(6))]
    assert inp.lost == 0


def test_an_index_that_skips_more_than_the_ring(connected: Connect) -> None:
    output, inp = connected()
    output.send(chunk(1), index=1000)
    sent = threading.Thread(target=lambda: output.send(chunk(2), index=5000))
    sent.start()
    assert (inp.recv(return_data=True)[0], inp.recv(return_data=True)[0]) == (1000, 5000)
    sent.join()
    with pytest.raises(IndexGoesBack):
        output.send(chunk(3), index=5000)
    assert inp.lost == 0


def test_a_reader_is_told_of_the_end_of_its_sender(connected: Connect) -> None:
    output, inp = connected()
    output.send(chunk(1))
    output.close()
    assert value(inp) == 1
    assert inp.poll(timeout=1000) is False
    with pytest.raises(StreamError, match="the sender of the stream has closed it, or is dead"):
        inp.recv()


def test_a_chunk_is_copied_into_an_array(connected: Connect) -> None:
    output, inp = connected()
    into = np.zeros((10, 2), "int64")
    for number in range(30):
        output.send(chunk(number))
        index, data = inp.recv(out=into)
        assert index == 10 * number + 10
        assert data is into
        assert (into == number).all()
    output.send(chunk(30))
    with pytest.raises(ValueError, match=r"out has the shape \(1, 2\), the chunk \(10, 2\)"):
        inp.recv(out=into[:1])
    assert value(inp) == 30


def test_who_is_no_reader_disturbs_nobody(connected: Connect) -> None:
    import socket

    output, inp = connected()
    address = "\0" + output.params["url"].removeprefix("local://")
    for junk in b"", b"nonsense", b"\xff" * 64:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.connect(address)
            other.sendall(junk)
    sender = flood(output, 50)
    assert [value(inp) for _ in range(50)] == list(range(50))
    sender.join()
