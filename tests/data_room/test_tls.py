"""Redis behind TLS, on plain sockets and on gevent's: ``rediss://``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import redis

from nexus_writer.data.connection import connect, masked
from nexus_writer.data.embedded import EmbeddedRedis
from nexus_writer.data.errors import BadRedisUrl, RedisNotTrusted, RedisRefused, RedisUnreachable
from nexus_writer.data.link import Link
from tests.tls import AUTHORITY, CLIENT, STRANGER, tls_in_front_of

GREEN = pytest.mark.parametrize("green", [False, True], ids=["plain", "green"])
PASSWORD = "hush-0815"


@pytest.fixture(scope="module")
def port(redis_server: EmbeddedRedis) -> Iterator[int]:
    """Of TLS with the certificate of 127.0.0.1 and localhost."""
    redis_server.start()
    with tls_in_front_of(redis_server.port) as port:
        yield port


@GREEN
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_certificate_is_verified_against_an_authority(port: int, green: bool, host: str) -> None:
    with connect(f"rediss://{host}:{port}/1?ssl_ca_certs={AUTHORITY}", green=green) as client:
        value = bytes(range(256)) * 20_000
        client.set("key", value)
        assert client.get("key") == value
        connection = client.connection_pool.get_connection()
        assert type(connection).__name__ == ("GreenTlsConnection" if green else "SSLConnection")
        assert connection._sock.version() == "TLSv1.3"
        client.connection_pool.release(connection)


@GREEN
@pytest.mark.parametrize("options", ["", f"?ssl_ca_certs={STRANGER}"], ids=["none", "stranger"])
def test_a_server_of_no_authority_that_is_trusted(port: int, green: bool, options: str) -> None:
    with pytest.raises(RedisNotTrusted, match=r"is not trusted .*issuer.*ssl_ca_certs=PATH"):
        connect(f"rediss://127.0.0.1:{port}/1{options}", green=green)


@GREEN
def test_a_server_of_another_name(redis_server: EmbeddedRedis, green: bool) -> None:
    with tls_in_front_of(redis_server.port, "elsewhere") as port:
        url = f"rediss://127.0.0.1:{port}/1?ssl_ca_certs={AUTHORITY}"
        with pytest.raises(RedisNotTrusted, match=r"IP address mismatch.*host's name"):
            connect(url, green=green)
        with connect(f"{url}&ssl_check_hostname=False", green=green) as client:
            assert client.ping()


@GREEN
def test_who_asks_for_no_verification_gets_none(port: int, green: bool) -> None:
    with connect(f"rediss://127.0.0.1:{port}/1?ssl_cert_reqs=none", green=green) as client:
        assert client.ping()


@GREEN
def test_a_server_that_asks_for_our_certificate(redis_server: EmbeddedRedis, green: bool) -> None:
    with tls_in_front_of(redis_server.port, ask_client=True) as port:
        url = f"rediss://localhost:{port}/1?ssl_ca_certs={AUTHORITY}"
        with pytest.raises(RedisUnreachable):
            connect(url, green=green)
        with connect(f"{url}&ssl_certfile={CLIENT}&ssl_keyfile={CLIENT}", green=green) as client:
            assert client.ping()


@GREEN
def test_a_server_that_speaks_no_tls(redis_server: EmbeddedRedis, green: bool) -> None:
    with pytest.raises(RedisUnreachable):
        connect(
            f"rediss://127.0.0.1:{redis_server.port}/1?socket_timeout=0.3&socket_connect_timeout=0.3",
            green=green,
        )


@GREEN
@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("ssl_cert_reqs=maybe", "ssl_cert_reqs is none of none, optional, required"),
        ("ssl_ca_certs=/no/such.pem", "there is no /no/such.pem, which ssl_ca_certs names"),
        ("ssl_keyfile=/no/such.key", "there is no /no/such.key, which ssl_keyfile names"),
        ("ssl_min_version=1", "ssl_min_version is no version of TLS: 772 is TLS 1.3"),
    ],
)
def test_an_option_that_makes_no_sense(port: int, green: bool, option: str, why: str) -> None:
    with pytest.raises(BadRedisUrl, match=why):
        connect(f"rediss://127.0.0.1:{port}/1?{option}", green=green)


def test_others_run_while_a_server_shakes_no_hands(redis_server: EmbeddedRedis) -> None:
    ticks = []

    def tick() -> None:
        while True:
            gevent.sleep(0.01)
            ticks.append(1)

    ticking = gevent.spawn(tick)
    try:
        with pytest.raises(RedisUnreachable, match="imeout"):
            connect(f"rediss://127.0.0.1:{redis_server.port}/1?socket_connect_timeout=0.5", green=True)
    finally:
        ticking.kill()
    assert len(ticks) > 5


def test_a_link_waits_and_is_interrupted(port: int, redis_client: redis.Redis) -> None:
    with connect(f"rediss://localhost:{port}/1?ssl_ca_certs={AUTHORITY}", green=True) as client:
        link = Link(client)
        waiting = gevent.spawn(link.call, b"XREAD", b"BLOCK", 60_000, b"STREAMS", b"stream", b"0")
        gevent.sleep(0.1)
        redis_client.xadd("stream", {"a": 1})
        assert waiting.get(timeout=60)[0][0] == b"stream"
        gevent.spawn_later(0.1, link.interrupt)
        with gevent.Timeout(60), pytest.raises(redis.ConnectionError):
            link.call(b"BLPOP", b"no", 90)
        link.drop()


@GREEN
def test_a_password_too(tmp_path: Path, green: bool) -> None:
    with EmbeddedRedis(tmp_path) as server, tls_in_front_of(server.port) as port:
        with server.client() as owner:
            owner.config_set("requirepass", PASSWORD)
        url = f"rediss://:{PASSWORD}@localhost:{port}/1?ssl_ca_certs={AUTHORITY}"
        with connect(url, green=green) as client:
            assert client.ping()
        with pytest.raises(RedisRefused) as refused:
            connect(url.replace(PASSWORD, f"{PASSWORD}-wrong"), green=green)
        assert PASSWORD not in str(refused.value)
        with pytest.raises(RedisRefused, match="Authentication required"):
            connect(url.replace(f":{PASSWORD}@", ""), green=green)


@pytest.mark.parametrize("name", ["ssl_password", "ssl_pass%77ord"])
def test_the_password_of_a_key_is_masked(name: str) -> None:
    assert masked(f"rediss://h/1?a=b&{name}=secret&c=d") == f"rediss://h/1?a=b&{name}=***&c=d"
