"""One end of the line between a frontend and its backend.

A ``multiprocessing.connection.Connection`` over a socket, with the same way to say how long a message is, and
with what that one lacks: any number of threads may send and receive, a send has a time limit, and no process
that is forked later inherits it. The last is what makes a death known: the end of a process is the end of its
line only if nobody else holds that end.

Small messages cost what a bare Connection costs, or less: one call to the system for each send (not a poll
before it: the socket's own timeout limits the wait), and a pickler without a chain of dictionaries.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import assert_spawning
from multiprocessing.reduction import DupFd
from typing import TYPE_CHECKING, Any, Self

from ._wire import HEADER_BYTES, LONG_BYTES, long_length_of, packed, short_length_of, unpacked
from .errors import SendTimeout

if TYPE_CHECKING:
    _Connection = Connection[Any, Any]
else:
    _Connection = Connection

__all__ = ["NOTHING", "Meanwhile", "MessagePipe", "giving"]

NOTHING: Any = object()
"""What ``receive_within`` returns when nothing came in time."""

SLICE_S = 0.1
"""A send that is blocked looks around that often."""

AT_ONCE_BYTES = 65536
"""What is read into memory that need not be filled with zeros before."""

Meanwhile = Callable[[], object]

_NONE = memoryview(b"")
_TIMEVAL = struct.Struct("@ll")
_pipes: weakref.WeakSet[MessagePipe] = weakref.WeakSet()
_given = threading.local()


class MessagePipe(_Connection):
    """Sends and receives objects whole, in order. For the process that made it, or was given it."""

    def __init__(self, descriptor: int) -> None:
        """``descriptor``: of a stream socket; the pipe closes it."""
        super().__init__(descriptor)
        self._descriptor = descriptor
        self._send_lock = threading.Lock()
        self._receive_lock = threading.Lock()
        self._kept: deque[Any] = deque()
        self._rest = _NONE
        self._sending = False
        self._receive_timeout_s: float | None = None
        self._set_timeout(socket.SO_SNDTIMEO, SLICE_S)
        _pipes.add(self)

    @classmethod
    def pair(cls) -> tuple[Self, MessagePipe]:
        """Two connected ends."""
        near, far = (end.detach() for end in socket.socketpair())
        return cls(near), MessagePipe(far)

    def send(self, obj: Any, *, timeout_s: float | None = None, meanwhile: Meanwhile | None = None) -> None:
        """``meanwhile`` is called now and then while the other side takes nothing.

        Raises what pickle raises, before anything is sent; SendTimeout; an OSError or EOFError when the
        other side is gone, or an earlier message was interrupted in its midst.
        """
        data = packed(obj)
        with self._send_lock:
            if self.closed:
                raise OSError("the pipe is closed")
            if self._sending:
                raise BrokenPipeError("a message was interrupted in its midst, none can follow it")
            self._sending = True
            try:
                if self._rest:
                    self._write(self._rest, True, timeout_s, meanwhile)
                sent = self._sent(data)
                if sent < len(data):
                    self._write(data[sent:], sent > 0, timeout_s, meanwhile)
            except ConnectionError as error:
                self._sending = False
                lost = self._lost(error)
                raise lost from lost.__cause__
            self._sending = False

    def recv(self) -> Any:
        """The next object. Raises EOFError when there is none and the other side is gone."""
        return self.receive_within(None)

    def receive_within(self, timeout_s: float | None) -> Any:
        """NOTHING if none comes in time."""
        with self._receive_lock:
            if self._kept:
                return self._kept.popleft()
            if self.closed:
                raise OSError("the pipe is closed")
            try:
                return self._receive(timeout_s)
            except (EOFError, ConnectionError) as error:
                lost = self._lost(error)
                raise lost from lost.__cause__

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Is there something to receive, or the end?"""
        return bool(self._kept) or super().poll(timeout)

    def keep_what_is_there(self) -> bool:
        """Take in what the other side has sent, for later ``recv``; False when that is all there will be.

        Does nothing while another thread receives.
        """
        if not self._receive_lock.acquire(blocking=False):
            time.sleep(SLICE_S / 10)
            return True
        try:
            while super().poll(0):
                self._kept.append(self._receive(None))
        except (EOFError, OSError):
            return False
        finally:
            self._receive_lock.release()
        return True

    def takes_more(self) -> bool:
        """Would a small message be sent without waiting?"""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLOUT)
        return bool(poll.poll(0))

    def __reduce__(self) -> tuple[Any, ...]:
        assert_spawning(self)
        return _given_pipe, (type(self), DupFd(self.fileno()))

    def _lost(self, error: Exception) -> Exception:
        """What to raise when the other side is gone."""
        return error

    def _sent(self, data: memoryview) -> int:
        """How many bytes the other side took, at once or within SLICE_S."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0

    def _write(
        self, data: memoryview, begun: bool, timeout_s: float | None, meanwhile: Meanwhile | None
    ) -> None:
        """Write the rest of a message. The time limit is for the time in which nothing is taken."""
        silent_since_s = time.monotonic()
        while data:
            if meanwhile is not None:
                meanwhile()
            sent = self._sent(data)
            now_s = time.monotonic()
            if sent:
                data, begun, silent_since_s = data[sent:], True, now_s
            elif timeout_s is not None and now_s - silent_since_s >= timeout_s:
                self._rest = data if begun else _NONE
                self._sending = False
                raise SendTimeout(timeout_s)
        self._rest = _NONE

    def _receive(self, timeout_s: float | None) -> Any:
        if timeout_s != self._receive_timeout_s:
            self._set_timeout(socket.SO_RCVTIMEO, timeout_s or 0.0)
            self._receive_timeout_s = timeout_s
        try:
            header = os.read(self._descriptor, HEADER_BYTES)
        except BlockingIOError:
            return NOTHING
        if not header:
            raise EOFError
        size = short_length_of(self._completed(header, HEADER_BYTES))
        if size is None:
            size = long_length_of(self._completed(b"", LONG_BYTES))
        return unpacked(self._completed(b"", size))

    def _completed(self, begun: bytes, size: int) -> bytes | bytearray:
        """The bytes that are begun, and the rest. Raises EOFError."""
        if not begun and size <= AT_ONCE_BYTES:
            try:
                begun = os.read(self._descriptor, size)
            except BlockingIOError:
                begun = b""
        if len(begun) == size:
            return begun
        data = bytearray(size)
        data[: len(begun)] = begun
        left = memoryview(data)[len(begun) :]
        while left:
            try:
                count = os.readv(self._descriptor, [left])
            except BlockingIOError:
                continue
            if not count:
                raise EOFError
            left = left[count:]
        return data

    def _set_timeout(self, option: int, seconds: float) -> None:
        sock = socket.socket(fileno=self._descriptor)
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, _timeval(seconds))
        finally:
            sock.detach()
            os.set_blocking(self._descriptor, True)  # where gevent is patched in, its sockets are not


@contextlib.contextmanager
def giving(pipes: Iterable[MessagePipe]) -> Iterator[None]:
    """Inside, a process that this thread forks gets these pipes; all other pipes are closed in it."""
    _given.pipes = list(pipes)
    try:
        yield
    finally:
        _given.pipes = []


def _close_in_child() -> None:
    """A fork keeps every descriptor; one that is not meant for the child would hide the death of others."""
    given = getattr(_given, "pipes", [])
    for pipe in list(_pipes):
        if not any(pipe is one for one in given):
            pipe.close()
    _given.pipes = []


os.register_at_fork(after_in_child=_close_in_child)


def _given_pipe(kind: type[MessagePipe], descriptor: Any) -> MessagePipe:
    return kind(descriptor.detach())


def _timeval(seconds: float) -> bytes:
    whole = int(seconds)
    return _TIMEVAL.pack(whole, max(1, int((seconds - whole) * 1e6)) if seconds else 0)
