"""Beacon's answers about Redis, from a real TCP server that speaks these two messages of its protocol."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from nexus_writer.data import beacon as beacon_module
from nexus_writer.data.beacon import Beacon
from nexus_writer.data.errors import BadBeaconAddress, BeaconRefused, BeaconUnreachable
from tests.waiting import allowed_s

Reply = Callable[[int, bytes], bytes]


def message(kind: int, payload: bytes) -> bytes:
    return struct.pack("<ii", kind, len(payload)) + payload


def received(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


class FakeBeacon:
    """Answers each question with what ``reply`` returns, in pieces of ``piece`` bytes."""

    def __init__(self, reply: Reply, piece: int = 1000, stay_open: bool = False) -> None:
        self.reply = reply
        self.piece = piece
        self.stay_open = stay_open
        self.questions: list[tuple[int, bytes]] = []
        self.closed_by_client = threading.Event()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        kind, length = struct.unpack("<ii", received(connection, 8))
        payload = received(connection, length)
        self.questions.append((kind, payload))
        answer = self.reply(kind, payload)
        for start in range(0, len(answer), self.piece):
            connection.sendall(answer[start : start + self.piece])
            if self.piece < len(answer):
                time.sleep(0.001)
        if self.stay_open:
            connection.settimeout(10)
            if connection.recv(1) == b"":
                self.closed_by_client.set()


@contextmanager
def fake_beacon(reply: Reply, **options: int) -> Iterator[FakeBeacon]:
    beacon = FakeBeacon(reply, **options)
    beacon.thread.start()
    try:
        yield beacon
    finally:
        beacon.server.shutdown(socket.SHUT_RDWR)
        beacon.server.close()
        beacon.thread.join(60)
        assert not beacon.thread.is_alive()


def usual(kind: int, payload: bytes) -> bytes:
    if kind == 30:
        return message(31, b"redishost:25001")
    return message(34, payload + b"redishost|25002")


@pytest.mark.parametrize("piece", [1000, 1, 3, 8, 9])
def test_both_questions(piece: int) -> None:
    with fake_beacon(usual, piece=piece) as server:
        beacon = Beacon.at(server.address)
        assert beacon.settings_url() == "redis://redishost:25001/0"
        assert beacon.data_url() == "redis://redishost:25002/1"
    (first, empty), (second, key) = server.questions
    assert (first, empty, second) == (30, b"", 32)
    assert key.endswith(b"|")


@pytest.mark.parametrize(
    ("host", "port", "url"),
    [
        (b"h", b"1", "redis://h:1/1"),
        (b"localhost", b"/tmp/redis data.sock", "unix:///tmp/redis%20data.sock?db=1"),
        (b"", b"/tmp/redis.sock", "unix:///tmp/redis.sock?db=1"),
        (b"localhost", b"6380", "redis://127.0.0.1:6380/1"),
    ],
)
def test_addresses_of_redis(host: bytes, port: bytes, url: str) -> None:
    with fake_beacon(lambda kind, payload: message(34, payload + host + b"|" + port)) as server:
        assert Beacon.at(server.address).data_url() == url
    with fake_beacon(lambda kind, payload: message(31, host + b":" + port)) as server:
        assert Beacon.at(server.address).settings_url() == url[:-1] + "0"


def test_other_messages_are_skipped() -> None:
    def talkative(kind: int, payload: bytes) -> bytes:
        return message(99, b"news") + message(7, b"") + usual(kind, payload)

    with fake_beacon(talkative, piece=5) as server:
        assert Beacon.at(server.address).data_url() == "redis://redishost:25002/1"


def test_a_refusal_says_why() -> None:
    with fake_beacon(lambda kind, payload: message(33, payload + b"no such | server")) as server:
        with pytest.raises(BeaconRefused, match=r"no such \| server.*give the Redis URL") as caught:
            Beacon.at(server.address).data_url()
        assert caught.value.address == server.address


NONSENSE = {
    "another key": message(34, b"999|host|1"),
    "no port": message(34, b"1|host"),
    "a port of words": message(34, b"1|host|port"),
    "too many fields": message(34, b"1|host|1|2"),
    "a huge message": struct.pack("<ii", 34, 2**31 - 1),
    "a negative length": struct.pack("<ii", 34, -1),
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "no UTF-8": message(34, b"1|\xff|1"),
    "nothing": b"",
    "half a header": b"\x22\x00",
    "half a payload": message(34, b"1|host|1")[:-3],
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_is_one_line_with_a_remedy(answer: bytes) -> None:
    with fake_beacon(lambda kind, payload: answer) as server:
        with pytest.raises(BeaconUnreachable, match=r"BEACON_HOST=HOST:PORT") as caught:
            Beacon.at(server.address).data_url()
        assert server.address in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_silent_server_is_given_up_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon_module, "TIMEOUT_S", 0.2)
    with fake_beacon(lambda kind, payload: b"\x22", stay_open=True) as server:
        start = time.monotonic()
        with pytest.raises(BeaconUnreachable, match=r"no answer within 0\.2 s"):
            Beacon.at(server.address).data_url()
        assert 0.2 <= time.monotonic() - start < allowed_s(0.2)
        assert server.closed_by_client.wait(60)


def test_a_server_that_never_comes_to_the_point_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacon_module, "TIMEOUT_S", 0.2)

    def slow(kind: int, payload: bytes) -> bytes:
        return message(99, b"x") * 10_000

    with fake_beacon(slow, piece=9) as server:
        start = time.monotonic()
        with pytest.raises(BeaconUnreachable, match="no answer within"):
            Beacon.at(server.address).data_url()
        assert time.monotonic() - start < allowed_s(0.2)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(BeaconUnreachable, match=f"no Beacon at {address} .Connection refused.: start it"):
        Beacon.at(address).data_url()


def test_addresses_of_beacon() -> None:
    assert Beacon.at("id00:25000").address == "id00:25000"
    assert Beacon.at(" id00 ").address == "id00:25000"
    for wrong in ("", ":25000", "id00:", "id00:port", "id00:0", "id00:70000", "id00:-1", "id00:²"):
        with pytest.raises(BadBeaconAddress, match="give HOST:PORT"):
            Beacon.at(wrong)
