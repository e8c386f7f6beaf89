"""One connection to Redis that belongs to one reader.

A reader that blocks needs a connection of its own, and one that reads fast has to stay below redis-py's
client: checking a connection out of a pool and the response callbacks cost more than parsing the reply
(0.9 against 0.4 us of CPU an entry). The connection is built from a client's pool, so it goes wherever that
client goes: TCP, unix socket, TLS, or the sockets of gevent, where a blocking call switches greenlets.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import redis

from .spare_connections import SparePool, end

T = TypeVar("T")
READ_SIZE_BYTES = 65536
LOOK_S = 0.05
_OTHER_PROTOCOL = ("maint_notifications", "orig_", "oss_cluster")


class Link:
    """A connection that is made when it is needed, and dropped when anything goes wrong on it.

    Whatever ends a call before its reply is complete - an error, a greenlet that is killed while it waits -
    leaves a connection on which the next reply would be the wrong one, so it is closed; the next call makes
    a new one. A server that keeps silent for ``silence_s`` counts as gone: redis.ConnectionError.
    One thread or greenlet calls; ``interrupt`` is for all others.
    """

    def __init__(self, client: redis.Redis, *, silence_s: float = 10.0) -> None:
        pool = client.connection_pool
        kept = {k: v for k, v in pool.connection_kwargs.items() if not k.startswith(_OTHER_PROTOCOL)}
        kept.update(protocol=2, decode_responses=False, retry=None, retry_on_error=[], retry_on_timeout=False)
        kept.update(socket_timeout=silence_s, health_check_interval=0, socket_read_size=READ_SIZE_BYTES)
        self.silence_s = silence_s
        self._pool = pool if isinstance(pool, SparePool) else None
        self._connection_class = pool.connection_class
        self._options: dict[str, Any] = kept
        self._connection: Any | None = None
        self._waker: socket.socket | None = None
        self._interrupted = False
        self._under_way = False
        self._lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """False before the first call, and after the connection was lost."""
        return self._connection is not None

    def call(self, *command: Any) -> Any:
        """Reply to one command. Raises redis.ResponseError, redis.ConnectionError."""
        connection = self._connect()
        return self._exchange(connection, connection.pack_command(*command))

    def call_packed(self, command: bytes) -> Any:
        """Reply to a command in the form in which it goes over the wire."""
        return self._exchange(self._connect(), [command])

    def read(self, command: bytes, take: Callable[[Callable[[memoryview], int]], T]) -> T:
        """What ``take`` makes of the bytes that come back; it receives all of them, and no more.

        ``command`` is one, or several, in the form in which they go over the wire.
        """
        connection = self._connect()
        self._under_way = True
        try:
            connection.send_packed_command([command], check_health=False)
            taken = take(connection._sock.recv_into)
        except (redis.TimeoutError, TimeoutError) as error:
            self.drop()
            raise self._silent() from error
        except OSError as error:
            self.drop()
            raise redis.ConnectionError(str(error)) from error
        except BaseException:
            self.drop()
            raise
        self._under_way = False
        return taken

    def call_all(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Replies to several commands, sent at once; where one fails its reply is a redis.ResponseError."""
        connection = self._connect()
        self._under_way = True
        try:
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            replies = [_reply_or_error(connection) for _ in commands]
        except redis.TimeoutError as error:
            self.drop()
            raise self._silent() from error
        except BaseException:
            self.drop()
            raise
        self._under_way = False
        return replies

    def rest(self, seconds: float) -> None:
        """Wait; other greenlets run where the client is green. ``interrupt`` ends it."""
        sleep = getattr(self._connection_class, "sleep", time.sleep)
        until_s = time.monotonic() + seconds
        while not self._interrupted and (left_s := until_s - time.monotonic()) > 0:
            sleep(min(left_s, LOOK_S))

    def interrupt(self) -> None:
        """End the call that is under way, and every later one, with redis.ConnectionError; from any thread.

        It shuts the socket down, which wakes up whoever waits on it: nothing polls, nothing is asked of the
        server. The duplicated descriptor is ours, so none that was closed and used again can be hit.
        """
        with self._lock:
            self._interrupted = True
            if self._waker is not None:
                with contextlib.suppress(OSError):
                    self._waker.shutdown(socket.SHUT_RDWR)

    def drop(self) -> None:
        """Close the connection; the next call makes a new one."""
        connection, self._connection = self._connection, None
        with self._lock:
            waker, self._waker = self._waker, None
        if waker is not None:
            waker.close()
        if connection is not None:
            end(connection)

    def give_back(self) -> None:
        """As ``drop``, when the reader is done: another one of this client and thread goes on with it."""
        with self._lock:
            usable = self._pool is not None and not self._under_way and not self._interrupted
            connection = self._connection if usable else None
            if connection is not None:
                self._connection = None
        self.drop()
        if self._pool is not None and connection is not None:
            self._pool.give_spare(connection)

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.drop()

    def _exchange(self, connection: Any, packed: Any) -> Any:
        self._under_way = True
        try:
            connection.send_packed_command(packed, check_health=False)
            reply = connection.read_response(disable_decoding=True)
        except redis.ResponseError:
            self._under_way = False
            raise
        except redis.TimeoutError as error:
            self.drop()
            raise self._silent() from error
        except BaseException:
            self.drop()
            raise
        self._under_way = False
        return reply

    def _connect(self) -> Any:
        if self._connection is not None:
            return self._connection
        connection = self._spare() or self._connection_class(**self._options)
        try:
            connection.connect()
            waker = socket.socket(fileno=os.dup(connection._sock.fileno()))
        except redis.TimeoutError as error:
            connection.disconnect()
            raise self._silent() from error
        except BaseException:
            connection.disconnect()
            raise
        with self._lock:
            self._connection, self._waker = connection, waker
            self._under_way = False
            interrupted = self._interrupted
        if interrupted:
            self.drop()
            raise redis.ConnectionError("the reader was stopped")
        return connection

    def _spare(self) -> Any | None:
        connection = None if self._pool is None else self._pool.take_spare()
        if connection is not None:
            connection.socket_timeout = self.silence_s
            connection._sock.settimeout(self.silence_s)
        return connection

    def _silent(self) -> redis.ConnectionError:
        return redis.ConnectionError(f"Redis gave no answer within {self.silence_s:g} s: is it running?")


def _reply_or_error(connection: Any) -> Any:
    try:
        return connection.read_response(disable_decoding=True)
    except redis.ResponseError as error:
        return error
