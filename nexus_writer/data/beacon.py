"""Asks BLISS' Beacon server where Redis is; nothing else of its protocol.

A message is a header of two little-endian int32 (type, length of the payload) and the payload:

    30 ""      -> 31 "host:port"                              the settings, database 0
    32 "KEY|"  -> 34 "KEY|host|port" or 33 "KEY|error"        the scans, database 1

where the port may be the path of a unix socket, for clients on Beacon's own host.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from .errors import BadBeaconAddress, BeaconRefused, BeaconUnreachable

DEFAULT_PORT = 25000
TIMEOUT_S = 3.0
SETTINGS_DB = 0
DATA_DB = 1

_SETTINGS_QUERY, _SETTINGS_ANSWER = 30, 31
_DATA_QUERY, _DATA_ERROR, _DATA_ANSWER = 32, 33, 34
_KEY = "1"
_HEADER = struct.Struct("<ii")
_LONGEST_PAYLOAD = 64 * 1024
_LOCAL = ("localhost", "127.0.0.1", "")


class Socket(Protocol):
    """What is needed of a socket, the standard library's or gevent's."""

    def settimeout(self, value: float | None, /) -> None: ...
    def sendall(self, data: bytes, /) -> None: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


CreateConnection = Callable[[tuple[str, int], float], Socket]


@dataclass(frozen=True, slots=True)
class Beacon:
    """A Beacon server at ``host:port``; each question opens a connection of its own.

    Both questions answer with a URL, and raise ``BeaconUnreachable`` when there is no sensible answer
    within ``TIMEOUT_S``, ``BeaconRefused`` when Beacon says that it has none.
    """

    host: str
    port: int
    create_connection: CreateConnection = socket.create_connection

    @classmethod
    def at(cls, address: str, create_connection: CreateConnection = socket.create_connection) -> Beacon:
        """From ``HOST`` or ``HOST:PORT``, as in BEACON_HOST; raises ``BadBeaconAddress``."""
        host, colon, port = address.strip().rpartition(":")
        if not colon:
            host, port = port, str(DEFAULT_PORT)
        if not host:
            raise BadBeaconAddress(address, "it names no host")
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise BadBeaconAddress(address, "its port is not a number from 1 to 65535")
        return cls(host, int(port), create_connection)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def settings_url(self) -> str:
        """Where settings are: positions of motors, parameters of sessions."""
        _, payload = self._ask(_SETTINGS_QUERY, b"", (_SETTINGS_ANSWER,))
        host, colon, port = payload.rpartition(":")
        if not colon:
            raise BeaconUnreachable(self.address, f"it answers {payload!r:.80}")
        return self._url(host, port, SETTINGS_DB)

    def data_url(self) -> str:
        """Where scans are."""
        answer, payload = self._ask(_DATA_QUERY, f"{_KEY}|".encode(), (_DATA_ANSWER, _DATA_ERROR))
        key, *parts = payload.split("|")
        if answer == _DATA_ERROR:
            raise BeaconRefused(self.address, "|".join(parts)[:200] or "it does not say why")
        if key != _KEY or len(parts) != 2:
            raise BeaconUnreachable(self.address, f"it answers {payload!r:.80}")
        return self._url(parts[0], parts[1], DATA_DB)

    def _url(self, host: str, port: str, db: int) -> str:
        if port.startswith("/"):
            return f"unix://{quote(port)}?db={db}"
        if not (port.isascii() and port.isdigit()):
            raise BeaconUnreachable(self.address, f"it answers port {port!r:.80}")
        if host in _LOCAL:
            host = self.host
        return f"redis://{host}:{port}/{db}"

    def _ask(self, question: int, payload: bytes, answers: tuple[int, ...]) -> tuple[int, str]:
        deadline = time.monotonic() + TIMEOUT_S
        try:
            with self._connection() as connection:
                connection.sendall(_HEADER.pack(question, len(payload)) + payload)
                while True:
                    answer, content = _message(connection, deadline)
                    if answer in answers:
                        return answer, content.decode()
        except TimeoutError:
            raise BeaconUnreachable(self.address, f"no answer within {TIMEOUT_S:g} s") from None
        except EOFError:
            raise BeaconUnreachable(self.address, "it closed the connection without an answer") from None
        except (OSError, ValueError) as error:
            raise BeaconUnreachable(self.address, getattr(error, "strerror", None) or str(error)) from error

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Socket]:
        connection = self.create_connection((self.host, self.port), TIMEOUT_S)
        try:
            yield connection
        finally:
            connection.close()


def _message(connection: Socket, deadline: float) -> tuple[int, bytes]:
    kind, length = _HEADER.unpack(_receive(connection, _HEADER.size, deadline))
    if not 0 <= length <= _LONGEST_PAYLOAD:
        raise ValueError("it does not speak Beacon's protocol")
    return kind, _receive(connection, length, deadline)


def _receive(connection: Socket, size: int, deadline: float) -> bytes:
    received = bytearray()
    while len(received) < size:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        connection.settimeout(left_s)
        part = connection.recv(size - len(received))
        if not part:
            raise EOFError
        received += part
    return bytes(received)
