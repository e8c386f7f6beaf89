"""The write commands of a Redis server as its replicas get them, from now on.

We ask to be a replica (PSYNC), throw the snapshot away with which that begins, and read on. What comes is
what became of each command: ids are resolved, scripts are their effects, times to live are absolute,
transactions stay together, and bytes are bytes. The server makes one snapshot for it, in a forked child;
where it can (Redis 7 and later) it is asked to leave the data out of that.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import hiredis
import redis

from nexus_writer.data.connection import masked
from nexus_writer.data.errors import DataError

ACKNOWLEDGE_EVERY_S = 1.0
KNOCK_EVERY_S = 0.1
"""Between acknowledgements before the first command: the server sends nothing before it takes one."""
SNAPSHOT_WITHIN_S = 120.0
_CHUNK = 2**16

Command = list[bytes]


class ReplicationRefused(DataError):
    """The server does not let us be a replica."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"Redis at {where} gives no replication stream ({why}): a recording needs a user that may PSYNC "
            "and REPLCONF, on a server that has replication"
        )


class ReplicationStream:
    """A connection as a replica; the stream begins with the making of this object.

    Raises ReplicationRefused, redis.ConnectionError.
    """

    def __init__(self, client: redis.Redis) -> None:
        pool = client.connection_pool
        self._connection: Any = pool.make_connection()
        self._where = masked(str(pool.connection_kwargs.get("host") or pool.connection_kwargs.get("path")))
        self._database = -1
        self._received = self._acknowledged = 0
        self._acknowledged_at = 0.0
        self._flows = False
        self._parser = hiredis.Reader()
        try:
            self._begin()
        except OSError as error:
            self.close()
            raise redis.ConnectionError(str(error)) from error
        except BaseException:
            self.close()
            raise

    def read(self, timeout_s: float) -> Iterator[tuple[int, Command]]:
        """(database, command) of what comes within ``timeout_s``, at least until nothing is left.

        Raises redis.ConnectionError when the server is gone.
        """
        self._acknowledge()
        self._socket.settimeout(timeout_s)
        try:
            received = self._receive()
        except TimeoutError:
            return
        self._flows = True
        self._received += len(received)
        self._parser.feed(received)
        while (command := self._parser.gets()) is not False:
            if command and command[0].upper() == b"SELECT":
                self._database = int(command[1])
            elif command and command[0].upper() not in (b"PING", b"REPLCONF"):
                yield self._database, command

    @property
    def offset(self) -> int:
        """How far the stream was read, as the ``master_repl_offset`` of the server counts."""
        return self._received

    def close(self) -> None:
        """Be a replica no more."""
        self._connection.disconnect()

    def _begin(self) -> None:
        self._connection.connect()
        self._socket = self._connection._sock
        self._socket.settimeout(SNAPSHOT_WITHIN_S)
        self._ask("REPLCONF", "capa", "eof", "capa", "psync2")
        self._ask("REPLCONF", "rdb-filter-only", "")  # an old server does not know it, and sends all
        answer = self._ask("PSYNC", "?", "-1")
        if not answer.startswith(b"+FULLRESYNC"):
            raise ReplicationRefused(self._where, answer[1:].decode(errors="replace"))
        self._received = int(answer.split()[2])
        self._skip_snapshot()

    def _ask(self, *words: str) -> bytes:
        self._connection.send_packed_command(self._connection.pack_command(*words), check_health=False)
        return self._line()

    def _line(self) -> bytes:
        """The next line; byte by byte, because what follows it may not be for us to keep."""
        line = b""
        while not line.endswith(b"\n"):
            line += self._receive(1)
            if line == b"\n":  # the server is still busy with its snapshot
                line = b""
        return line.strip()

    def _skip_snapshot(self) -> None:
        header = self._line()
        if header.startswith(b"$EOF:"):
            self._skip_until(header[5:])
            return
        if not header.startswith(b"$"):
            raise ReplicationRefused(self._where, header.lstrip(b"-").decode(errors="replace"))
        left = int(header[1:])
        while left:
            left -= len(self._receive(min(left, _CHUNK)))

    def _skip_until(self, mark: bytes) -> None:
        """The snapshot ends with ``mark``; the server waits for our sign before it sends what follows."""
        end = b""
        while not end.endswith(mark):
            end = (end + self._receive())[-len(mark) :]
        self._acknowledge()

    def _receive(self, nbytes: int = _CHUNK) -> bytes:
        received: bytes = self._socket.recv(nbytes)
        if not received:
            raise redis.ConnectionError("Redis has closed the replication stream")
        return received

    def _acknowledge(self) -> None:
        """Tell how far we are: else the server gives us up after a minute."""
        now = time.monotonic()
        if now - self._acknowledged_at < (ACKNOWLEDGE_EVERY_S if self._flows else KNOCK_EVERY_S):
            return
        self._acknowledged_at = now
        command = self._connection.pack_command("REPLCONF", "ACK", str(self._received))
        self._connection.send_packed_command(command, check_health=False)
