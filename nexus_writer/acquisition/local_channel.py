"""Messages to readers on the same host: in shared memory, and a bell for those that sleep.

The sender keeps the heads of its latest messages in a ring that all readers see. Each reader has memory of
its own for two numbers, which the sender sees: how many messages it has done with, and whether it sleeps. So
a message costs no system call while its readers are busy, and a sender that must not overtake them knows how
far they are. A reader holds a connection to the sender, through which it has handed over its bell (an
eventfd); the kernel closes it however the reader ends: a dead one is waited for no longer.

Who goes to sleep says so first and looks once more; who has news writes first and then looks who sleeps. Each
takes a lock in between: its locked instruction keeps an x86-64 processor from looking before it has written.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import socket
import struct
import threading
import time
from typing import Any

from nexus_writer.process import safe_select

from .errors import SendBlocked, StreamError
from .shared_mem import SharedArray
from .wire import Head, pack_head, unpack_head

__all__ = ["LocalPublisher", "LocalSubscriber"]

SENT, FIRST_HEAD = 0, 4
DONE, SLEEPS = 0, 1
HEAD = struct.Struct("@4q")
CREDENTIALS = struct.Struct("@3i")
"""Process, user and group."""
LEAST_HEADS, MOST_HEADS = 1024, 65_536
CONNECT_TIMEOUT_S = 5.0
HELLO_BYTES = 64
WELCOME_BYTES = len(pack_head(0, 0, 0, 0, (0,)))
LOOK_AGAIN_MS = 100
LONGEST_PAUSE_S = 0.0005
LOOKS = 100
"""Before a reader goes to sleep: about 20 us, in which a busy sender has the next chunk."""


class Heads:
    """Epoch, number, index and count of the latest messages, in shared memory."""

    def __init__(self, params: dict[str, Any], heads_id: str | None = None) -> None:
        self.size = min(max(LEAST_HEADS, int(params["buffer_size"]) + 2), MOST_HEADS)
        self._array = SharedArray((FIRST_HEAD + 4 * self.size,), "int64", heads_id)
        self.shm_id = self._array.shmem.shm_id
        self.numbers: Any = memoryview(self._array.to_numpy())  # type: ignore[arg-type]
        self._bytes = self.numbers.cast("B")

    def sent(self) -> int:
        """Messages so far, which is the number of the next one."""
        return int(self.numbers[SENT])

    def put(self, epoch: int, number: int, index: int, count: int) -> None:
        at = 8 * (FIRST_HEAD + 4 * (number % self.size))
        HEAD.pack_into(self._bytes, at, epoch, number, index, count)
        self.numbers[SENT] = number + 1

    def get(self, number: int) -> Head | None:
        """None when it was, or is being, replaced."""
        at = 8 * (FIRST_HEAD + 4 * (number % self.size))
        epoch, found, index, count = HEAD.unpack_from(self._bytes, at)
        if found != number or self.numbers[SENT] - number >= self.size:
            return None
        return Head(0, epoch, number, index, (count,), 0)

    def close(self) -> None:
        self._array.close()


class _Reader:
    """What a sender knows of a reader. ``since``: the first message that is for it."""

    def __init__(self, connection: socket.socket, bell: int, since: int, shm_id: str) -> None:
        self.connection = connection
        self.bell = bell
        self.since = since
        self._memory = SharedArray((2,), "int64", shm_id)
        self._numbers: Any = memoryview(self._memory.to_numpy())  # type: ignore[arg-type]

    def done(self) -> int:
        return max(self.since, int(self._numbers[DONE]))

    def wake(self) -> None:
        if self._numbers[SLEEPS]:
            os.eventfd_write(self.bell, 1)

    def close(self) -> None:
        self.connection.close()
        os.close(self.bell)
        self._memory.close()


class LocalPublisher:
    """Tells the readers of a ring what is in it."""

    inline_bytes = 0

    def __init__(self, params: dict[str, Any]) -> None:
        self._timeout_s = float(params["send_timeout_s"])
        self.port = params["port"]
        self.heads = Heads(params)
        params["heads_id"] = self.heads.shm_id
        name = f"nexus_acquisition_{secrets.token_hex(12)}"
        self.url = f"local://{name}"
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind("\0" + name)
        self._listening.listen()
        self._readers: tuple[_Reader, ...] = ()
        self._last = (0, 0, 0)
        self._lock = threading.Lock()
        self._closing, self._closed = socket.socketpair()
        self._greeter = threading.Thread(target=self._greet, name=f"greeter of {self.url}", daemon=True)
        self._greeter.start()

    def send(self, head: bytes | memoryview, body: Any = None) -> None:
        raise StreamError("only 'sharedmem' sends to readers of this host alone: use tcp, ipc or inproc")

    def publish(self, epoch: int, number: int, index: int, count: int) -> None:
        self.heads.put(epoch, number, index, count)
        with self._lock:
            self._last = (epoch, number + 1, index)
            for reader in self._readers:
                reader.wake()

    def slowest(self) -> int:
        """The first message that some reader has not done with."""
        return min((reader.done() for reader in self._readers), default=self.heads.sent())

    def wait(self, deadline_s: float, pause_s: float) -> float:
        """Give readers time; the next pause. SendBlocked after the deadline, of ``time.monotonic()``."""
        if time.monotonic() > deadline_s:
            raise SendBlocked(self._timeout_s)
        time.sleep(pause_s)
        return min(2 * pause_s, LONGEST_PAUSE_S)

    def deadline_s(self) -> float:
        return time.monotonic() + self._timeout_s

    def close(self) -> None:
        self._closing.close()
        self._greeter.join()
        self._closed.close()
        self._listening.close()
        for reader in self._readers:
            reader.close()
        self._readers = ()
        self.heads.close()

    def _greet(self) -> None:
        """Accept readers, and forget those that are gone."""
        while True:
            connections = {reader.connection: reader for reader in self._readers}
            ready, _, _ = safe_select([self._closed, self._listening, *connections], [], [])
            if self._closed in ready:
                return
            for connection in ready:
                if connection is self._listening:
                    self._accept()
                else:
                    self._forget(connections[connection])

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:  # gone again, or this process has no descriptor left
            time.sleep(LOOK_AGAIN_MS / 1000)
            return
        connection.settimeout(1.0)
        bells: list[int] = []
        try:
            _check_user(connection)
            hello, bells, _, _ = socket.recv_fds(connection, HELLO_BYTES, 1)
            with self._lock:
                epoch, number, index = self._last
                reader = _Reader(connection, bells[0], number, hello.decode())
                self._readers = (*self._readers, reader)
        except (OSError, ValueError, IndexError):  # not one of ours
            connection.close()
            for bell in bells:
                os.close(bell)
            return
        with contextlib.suppress(OSError):  # gone again
            connection.sendall(pack_head(0, epoch, number - 1, index, (0,)))

    def _forget(self, reader: _Reader) -> None:
        with self._lock:  # nobody rings its bell, the number of which another file may get
            self._readers = tuple(other for other in self._readers if other is not reader)
            reader.close()


def _check_user(connection: socket.socket) -> None:
    """PermissionError for a process of another user: what it hands over could be anything."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    if CREDENTIALS.unpack(found)[1] != os.getuid():
        raise PermissionError


class LocalSubscriber:
    """Sees what is published after it was made. One thread uses it at a time.

    ``number`` is that of the next message; who has taken it moves on.
    """

    before: bytes

    def __init__(self, params: dict[str, Any]) -> None:
        self._memory = SharedArray((2,), "int64")
        self._numbers: Any = memoryview(self._memory.to_numpy())  # type: ignore[arg-type]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(CONNECT_TIMEOUT_S)
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._rung = False
        self._fence = threading.Lock()
        self._heads: Heads | None = None
        self.ended = False
        try:
            self._connect(params)
        except BaseException:
            self.close()
            raise
        self._memory.shmem.unlink()  # the sender has it open; so it goes however this process ends
        self.number = unpack_head(self.before).number + 1
        self._socket.settimeout(None)
        self._ready = select.poll()
        self._ready.register(self._socket, select.POLLIN)
        self._ready.register(self._bell, select.POLLIN)

    @property
    def heads(self) -> Heads:
        assert self._heads is not None
        return self._heads

    def poll(self, timeout_ms: float | None) -> bool:
        """True when there is a message; False after the time, or when the sender has ended."""
        numbers, number = self.heads.numbers, self.number
        for _ in range(LOOKS):
            if numbers[SENT] > number:
                return True
            if timeout_ms == 0:
                return False
        return self._sleep(timeout_ms)

    def free(self) -> None:
        """The messages before ``number`` are done with: what they tell of may be overwritten."""
        self._numbers[DONE] = self.number

    def recv(self) -> tuple[bytes, Any]:
        raise StreamError("only 'sharedmem' receives from a ring of this host")

    def close(self) -> None:
        self._socket.close()
        if self._bell >= 0:
            os.close(self._bell)
            self._bell = -1
        self._memory.close()
        if self._heads is not None:
            self._heads.close()

    def _sleep(self, timeout_ms: float | None) -> bool:
        """The bell is silenced before the next sleep: whoever it woke up has something to do first."""
        deadline_s = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        if self._rung:
            self._silence()
        self._numbers[SLEEPS] = 1
        try:
            with self._fence:
                pass
            while self.heads.sent() <= self.number:
                left_ms: float = LOOK_AGAIN_MS
                if deadline_s is not None:
                    left_ms = min(left_ms, 1000 * (deadline_s - time.monotonic()))
                if self.ended or left_ms <= 0:
                    return False
                ready = dict(self._ready.poll(left_ms))
                self._rung = self._bell in ready
                self.ended = self._socket.fileno() in ready
                if self._rung and self.heads.sent() <= self.number:
                    self._silence()
        finally:
            self._numbers[SLEEPS] = 0
        return True

    def _silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        self._rung = False

    def _connect(self, params: dict[str, Any]) -> None:
        self._heads = Heads(params, params["heads_id"])
        try:
            self._socket.connect("\0" + params["url"].removeprefix("local://"))
            socket.send_fds(self._socket, [self._memory.shmem.shm_id.encode()], [self._bell])
            self.before = self._socket.recv(WELCOME_BYTES, socket.MSG_WAITALL)
        except OSError:
            self.before = b""
        if len(self.before) < WELCOME_BYTES:
            raise StreamError(
                f"no sender answers at {params['url']}: configure the OutputStream, and keep it open"
            )
