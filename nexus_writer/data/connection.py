"""Connections to the Redis server that scans are published in."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path
from ssl import SSLCertVerificationError, TLSVersion
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from .beacon import DATA_DB, Beacon, CreateConnection
from .errors import BadRedisUrl, NoRedisAddress, RedisNotTrusted, RedisRefused, RedisUnreachable
from .spare_connections import SparePool

URL_VARIABLE = "NEXUS_WRITER_REDIS_URL"
BEACON_VARIABLE = "BEACON_HOST"
CONNECT_TIMEOUT_S = 3.0
REPLY_TIMEOUT_S = 10.0
"""Longer than any command but a blocking one, which needs a ``socket_timeout`` of its own."""

_SCHEMES = ("redis", "rediss", "unix")
_PASSWORD = re.compile(r"^((?:\w+://)?+[^:@/]*):.*@")
_OPTION = re.compile(r"([?&])([^?&=]*)=[^&]*")
_TLS_FILES = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile")
_CERTIFICATE_IS = ("none", "optional", "required")


def masked(url: str) -> str:
    """The URL without its passwords, for messages and logs."""
    return _OPTION.sub(_masked_option, _PASSWORD.sub(r"\1:***@", url))


def _masked_option(option: re.Match[str]) -> str:
    secret = "password" in unquote(option[2])
    return f"{option[1]}{option[2]}=***" if secret else option[0]


def redis_url(url: str | None = None, *, beacon: str | None = None, green: bool = False) -> str:
    """The URL to connect to: as given, or asked from Beacon at ``HOST:PORT``, or by the environment.

    In the environment NEXUS_WRITER_REDIS_URL goes before BEACON_HOST. Raises ``NoRedisAddress``,
    ``BadRedisUrl`` (what is no text), ``BadBeaconAddress``, ``BeaconUnreachable``, ``BeaconRefused``.
    """
    if not url and not beacon:
        url = os.environ.get(URL_VARIABLE)
        beacon = os.environ.get(BEACON_VARIABLE)
    if url:
        if not isinstance(url, str):
            raise BadRedisUrl(repr(url), "it is no text")
        return url
    if not beacon:
        raise NoRedisAddress
    return Beacon.at(beacon, _create_connection(green)).data_url()


def connect(url: str | None = None, *, beacon: str | None = None, green: bool = False) -> redis.Redis:
    """A client that has reached its server: RESP2, replies as bytes, no retries of its own.

    ``redis://``, ``rediss://`` (TLS, with the ``ssl_`` options of redis-py) and ``unix://`` URLs; without a
    database in it, database 1, where BLISS publishes scans. ``green``: on gevent's sockets, for use in
    greenlets; one connection must not be shared between greenlets at a time, the client's pool sees to that.

    Raises ``BadRedisUrl``, ``RedisUnreachable`` (with ``RedisRefused`` and ``RedisNotTrusted``) and the
    errors of ``redis_url``.
    """
    url = redis_url(url, beacon=beacon, green=green)
    try:
        pool = SparePool(**_options(url, green))
        client = redis.Redis.from_pool(pool)
        client.ping()
    except TypeError as error:
        option = re.search(r"'\w+'", str(error))
        raise BadRedisUrl(masked(url), f"redis-py knows no option {option and option[0]}") from None
    except (redis.AuthenticationError, redis.ResponseError) as error:
        client.close()
        raise RedisRefused(masked(url), _reason(error)) from error
    except (redis.RedisError, OSError) as error:
        client.close()
        if isinstance(error.__context__, SSLCertVerificationError):
            raise RedisNotTrusted(masked(url), error.__context__.verify_message.rstrip(".")) from error
        raise RedisUnreachable(masked(url), _reason(error)) from error
    return client


def check_redis_url(url: str, *, green: bool = False) -> None:
    """That ``connect`` could use it; nobody is asked. Raises ``BadRedisUrl``."""
    _options(url, green)


def server_time_ms(client: redis.Redis) -> int:
    """Now by the server's clock, as in the ids of its streams, in ms since 1970.

    Entries that are added from now on have this id or a higher one.
    """
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def _options(url: str, green: bool) -> dict[str, Any]:
    """Arguments of redis-py's connections; raises ``BadRedisUrl``."""
    try:
        _check(urlsplit(url))
        options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        _check_tls(options)
    except ValueError as error:
        raise BadRedisUrl(masked(url), str(error)) from None
    return {
        "connection_class": _connection_class(options.pop("connection_class", Connection), green),
        "db": DATA_DB,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": REPLY_TIMEOUT_S,
        "client_name": f"nexus-writer:{socket.gethostname()}:{os.getpid()}",
        "driver_info": None,
        **options,
        "protocol": 2,
        "decode_responses": False,
        "retry": Retry(NoBackoff(), 0),
    }


def _check(parts: SplitResult) -> None:
    """Refuses what redis-py would silently replace by a default, and quotes nothing of a password."""
    if parts.scheme not in _SCHEMES:
        raise ValueError("it starts with none of redis://, rediss://, unix://")
    if parts.scheme == "unix":
        if not parts.path.startswith("/"):
            raise ValueError("it names no absolute path")
        return
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    if not parts.hostname:
        raise ValueError("it names no host")
    if not re.fullmatch(r"(/[0-9]*)?", parts.path):
        raise ValueError("what follows host and port is not the number of a database")


def _check_tls(options: dict[str, Any]) -> None:
    """Refuses what would look like a server that is away."""
    if options.get("ssl_cert_reqs", "required") not in _CERTIFICATE_IS:
        raise ValueError(f"ssl_cert_reqs is none of {', '.join(_CERTIFICATE_IS)}")
    if "ssl_min_version" in options and options["ssl_min_version"] not in (*TLSVersion,):
        raise ValueError(f"ssl_min_version is no version of TLS: {TLSVersion.TLSv1_3:d} is TLS 1.3")
    for name in _TLS_FILES:
        if name in options and not Path(options[name]).exists():
            raise ValueError(f"there is no {options[name]}, which {name} names")


def _connection_class(plain: type, green: bool) -> type:
    if not green:
        return plain
    from .green import GREEN_CLASSES

    return GREEN_CLASSES[plain]


def _create_connection(green: bool) -> CreateConnection:
    if not green:
        return socket.create_connection
    from .green import create_connection

    return cast("CreateConnection", create_connection)


def _reason(error: Exception) -> str:
    """One line, without redis-py's full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
