"""Connecting to Redis by URL, by Beacon, by the environment; on plain sockets and on gevent's."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import redis

from nexus_writer.data.connection import connect, masked, redis_url, server_time_ms
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.errors import (
    BadBeaconAddress,
    BadRedisUrl,
    BeaconUnreachable,
    NoRedisAddress,
    RedisRefused,
    RedisUnreachable,
)
from tests import ports
from tests.data_room.test_beacon import fake_beacon, message
from tests.waiting import allowed_s

GREEN = pytest.mark.parametrize("green", [False, True], ids=["plain", "green"])


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEXUS_WRITER_REDIS_URL", "BEACON_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def free_port() -> int:
    return ports.free_port()


@GREEN
def test_a_client_speaks_resp2_and_bytes(redis_url: str, green: bool) -> None:
    with connect(redis_url, green=green) as client:
        client.hset("h", mapping={"a": b"\xff\x00"})
        connection = client.connection_pool.get_connection()
        connection.send_command("HGETALL", "h")
        assert connection.read_response(disable_decoding=True) == [b"a", b"\xff\x00"]
        assert connection.get_protocol() == 2
        assert "hiredis" in type(connection._parser).__name__.lower()
        assert type(connection).__name__ == ("GreenConnection" if green else "Connection")
        client.connection_pool.release(connection)


@GREEN
def test_a_unix_socket(unix_redis_url: str, green: bool) -> None:
    with connect(unix_redis_url, green=green) as client:
        client.set("key", "value")
        assert client.get("key") == b"value"
        connection = client.connection_pool.get_connection()
        assert type(connection).__name__ == ("GreenUnixConnection" if green else "UnixDomainSocketConnection")
        client.connection_pool.release(connection)


@GREEN
@pytest.mark.parametrize("size", [0, 1, 100_000, 8_000_000])
def test_values_of_any_size(redis_url: str, green: bool, size: int) -> None:
    value = bytes(range(256)) * (size // 256 + 1)
    with connect(redis_url, green=green) as client:
        client.set("key", value[:size])
        assert client.get("key") == value[:size]


def test_the_database_is_that_of_scans_unless_the_url_names_one(redis_server: EmbeddedRedis) -> None:
    redis_server.start()
    address = redis_server.url_of(3).removesuffix("/3")
    for url, db in [("", 1), ("/", 1), ("/0", 0), ("/3", 3), ("?db=4", 4)]:
        with connect(address + url) as client:
            assert client.client_info()["db"] == db


def test_redis_can_tell_who_is_connected(redis_url: str) -> None:
    with connect(redis_url) as client:
        assert client.client_getname().startswith(f"nexus-writer:{socket.gethostname()}:")


def test_a_closed_client_leaves_no_connection(redis_url: str, redis_client: redis.Redis) -> None:
    before = len(redis_client.client_list())
    client = connect(redis_url)
    assert len(redis_client.client_list()) == before + 1
    client.close()
    deadline = time.monotonic() + 60
    while len(redis_client.client_list()) > before:
        assert time.monotonic() < deadline
    with pytest.raises(RedisRefused) as refused:
        connect(redis_url.replace("redis://", "redis://:wrong@"))
    while len(redis_client.client_list()) > before:
        assert time.monotonic() < deadline
    assert refused.traceback


@GREEN
def test_a_command_fails_when_redis_is_gone_and_works_again_later(tmp_path: Path, green: bool) -> None:
    with EmbeddedRedis(tmp_path) as server, connect(server.url, green=green) as client:
        client.set("key", "value")
        server.kill()
        start = time.monotonic()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        assert time.monotonic() - start < allowed_s(0.1)
        server.start()
        assert client.get("key") == b"value"


def test_the_time_of_the_server(redis_url: str) -> None:
    with connect(redis_url) as client:
        before = server_time_ms(client)
        added = int(client.xadd("stream", {"a": 1}).split(b"-")[0])
        assert before <= added <= server_time_ms(client)
        assert abs(before / 1000 - time.time()) < 60


# Which Redis.


@GREEN
def test_beacon_is_asked(redis_server: EmbeddedRedis, green: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    redis_server.start()
    answer = b"127.0.0.1|%d" % redis_server.port
    with fake_beacon(lambda kind, payload: message(34, payload + answer), piece=3) as beacon:
        with connect(beacon=beacon.address, green=green) as client:
            assert client.client_info()["db"] == 1
        monkeypatch.setenv("BEACON_HOST", beacon.address)
        with connect(green=green) as client:
            assert client.ping()
        assert [kind for kind, _ in beacon.questions] == [32, 32]


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEACON_HOST", "nonsense:nonsense")
    with pytest.raises(BadBeaconAddress):
        redis_url()
    monkeypatch.setenv("NEXUS_WRITER_REDIS_URL", "redis://by-environment")
    assert redis_url() == "redis://by-environment"
    assert redis_url("redis://given") == "redis://given"
    with fake_beacon(lambda kind, payload: message(34, payload + b"host|1")) as beacon:
        assert redis_url(beacon=beacon.address) == "redis://host:1/1"
        assert redis_url("redis://given", beacon=beacon.address) == "redis://given"


def test_no_address_at_all_says_what_to_set() -> None:
    with pytest.raises(
        NoRedisAddress, match=r"NEXUS_WRITER_REDIS_URL=redis://HOST:PORT/1.*BEACON_HOST=HOST:PORT"
    ):
        connect()


# What goes wrong.


@GREEN
def test_nobody_listens(free_port: int, green: bool) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port}/1"
    with pytest.raises(RedisUnreachable, match=r"refused.: start it, or correct the address") as caught:
        connect(url, green=green)
    check_line(caught.value)
    assert caught.value.url == f"redis://:***@127.0.0.1:{free_port}/1"


@GREEN
def test_there_is_no_such_unix_socket(tmp_path: Path, green: bool) -> None:
    with pytest.raises(RedisUnreachable, match=r"no Redis at unix://.*No such file or directory") as caught:
        connect(f"unix://{tmp_path}/none.sock?password=secret", green=green)
    check_line(caught.value)


@GREEN
def test_there_is_no_such_host(green: bool) -> None:
    with pytest.raises(RedisUnreachable, match=r"no Redis at redis://nowhere\.invalid"):
        connect("redis://nowhere.invalid:6379/1", green=green)


@GREEN
def test_nobody_answers(green: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_writer.data.connection.REPLY_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/1"
        start = time.monotonic()
        with pytest.raises(RedisUnreachable, match="imeout"):
            connect(url, green=green)
        assert 0.2 <= time.monotonic() - start < allowed_s(0.2)


@GREEN
def test_something_else_answers(green: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(RedisUnreachable) as caught:
            connect(f"redis://127.0.0.1:{server.getsockname()[1]}/1", green=green)
        check_line(caught.value)
        thread.join()


@GREEN
def test_a_wrong_password_or_database_is_said_so(redis_server: EmbeddedRedis, green: bool) -> None:
    redis_server.start()
    for url, why in [
        (redis_server.url.replace("redis://", "redis://:secret@"), "password"),
        (redis_server.url_of(1000), "DB index"),
    ]:
        with pytest.raises(RedisRefused, match=f"refuses us .*{why}.*: correct user") as caught:
            connect(url, green=green)
        check_line(caught.value)


BAD_URLS = {
    "http://host": "starts with none of",
    "host:6379": "starts with none of",
    "user:secret@host": "starts with none of",
    "redis://": "names no host",
    "redis:///1": "names no host",
    "redis://host:port/1": "port is not a number",
    "redis://host:99999/1": "port is not a number",
    "redis://:secret#x@host:6379/1": "port is not a number",
    "redis://:sec/ret@host:6379/1": "not the number of a database|port is not a number",
    "redis://host/data": "not the number of a database",
    "redis://host/1?socket_timeout=soon": "socket_timeout",
    "redis://host/1?color=red": "redis-py knows no option 'color'",
    "unix://redis.sock": "names no absolute path",
    "unix:redis.sock": "names no absolute path",
    "redis://[::1/1": "",
}


@GREEN
@pytest.mark.parametrize("url", BAD_URLS)
def test_an_url_that_cannot_be_understood(url: str, green: bool) -> None:
    with pytest.raises(
        BadRedisUrl, match=f"is not a Redis address .*{BAD_URLS[url]}.*: give redis://HOST"
    ) as caught:
        connect(url, green=green)
    check_line(caught.value)


def test_a_number_is_no_url() -> None:
    with pytest.raises(BadRedisUrl, match=r"'6380' is not a Redis address \(it is no text\)"):
        connect(6380)  # type: ignore[arg-type]


def test_beacon_is_away(free_port: int) -> None:
    with pytest.raises(BeaconUnreachable, match="BEACON_HOST"):
        connect(beacon=f"127.0.0.1:{free_port}")


def check_line(error: Exception) -> None:
    text = str(error)
    assert "\n" not in text
    assert len(text) < 300
    for secret in ("secret", "sec/", "ret@"):
        assert secret not in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host:6379/1", "redis://host:6379/1"),
        ("redis://user@host/1", "redis://user@host/1"),
        ("redis://user:secret@host/1", "redis://user:***@host/1"),
        ("redis://:se:cr@et@host/1", "redis://:***@host/1"),
        ("rediss://:s%2Fcret@host/1", "rediss://:***@host/1"),
        ("unix:///s.sock?db=1&password=secret&x=1", "unix:///s.sock?db=1&password=***&x=1"),
        ("unix://user:secret@/s.sock", "unix://user:***@/s.sock"),
        ("user:secret@host", "user:***@host"),
    ],
)
def test_passwords_are_masked(url: str, expected: str) -> None:
    assert masked(url) == expected


def test_reading_needs_no_gevent_and_no_hdf5() -> None:
    program = """
import sys, nexus_writer.data
from nexus_writer.data import connection, beacon, points, pickles
assert not {"gevent", "greenlet", "h5py", "tango"} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
