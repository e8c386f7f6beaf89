"""Messages as datagrams: nothing is sent twice, nothing waits, and what is lost is counted by its numbers.

A receiver says hello until the sender answers; it then belongs to the receivers until it says goodbye.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import Any

from .errors import ChunkRefused, StreamError
from .wire import LARGEST_HEAD_BYTES, TOPIC, message_number

__all__ = ["UdpPublisher", "UdpSubscriber"]

LARGEST_BYTES = 65_507
HELLO, GOODBYE, WELCOME = b"nexus hello", b"nexus goodbye", b"Wnexus welcome"
CONNECT_TIMEOUT_S = 5.0
RECEIVE_BUFFER_BYTES = 4 << 20
IP_RECVERR = 11
"""Of Linux: errors are told with the address that they came from."""
LOOK_AGAIN_MS = 50
ANSWER_S = 0.2


class UdpPublisher:
    """Sends each message to each receiver that has said hello."""

    inline_bytes = LARGEST_BYTES

    def __init__(self, params: dict[str, Any]) -> None:
        port = 0 if params["port"] == "*" else int(params["port"])
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        try:
            self._socket.bind((params["interface"], port))
        except OSError as error:
            self._socket.close()
            raise StreamError(f"no stream at udp://{params['interface']}:{port}: {error.strerror}") from None
        self.port = self._socket.getsockname()[1]
        self.url = f"udp://{params['interface']}:{self.port}"
        self._receivers: set[Any] = set()
        self._last = b""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._greeter = threading.Thread(target=self._greet, name=f"greeter of {self.url}", daemon=True)
        self._greeter.start()

    def send(self, head: bytes | memoryview, body: Any = None) -> None:
        if body is not None or len(head) > LARGEST_BYTES:
            raise ChunkRefused(
                f"a chunk is larger than a datagram of {LARGEST_BYTES} bytes: cut it, or use tcp"
            )
        with self._lock:
            self._last = bytes(head[:LARGEST_HEAD_BYTES])
            for receiver in self._receivers:
                with contextlib.suppress(OSError):  # lost, and counted by its number where it is missed
                    self._send_to(head, receiver)

    def close(self) -> None:
        self._closed.set()
        self._greeter.join()
        self._socket.close()

    def _greet(self) -> None:
        ready = _poll_of(self._socket)
        while not self._closed.is_set():
            if not ready.poll(LOOK_AGAIN_MS):
                continue
            with contextlib.suppress(OSError):
                self._forget_gone()
                message, address = self._socket.recvfrom(64, socket.MSG_DONTWAIT)
                with self._lock:
                    if message == HELLO:
                        self._receivers.add(address)
                        self._socket.sendto(WELCOME + self._last, address)
                    elif message == GOODBYE:
                        self._receivers.discard(address)

    def _send_to(self, head: bytes | memoryview, receiver: Any) -> None:
        try:
            self._socket.sendto(head, receiver)
        except ConnectionRefusedError:  # another one has refused an earlier message
            self._socket.sendto(head, receiver)

    def _forget_gone(self) -> None:
        """Receivers whose hosts have answered that nobody listens there any more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                *_, receiver = self._socket.recvmsg(0, 0, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
                with self._lock:
                    self._receivers.discard(receiver)


class UdpSubscriber:
    """Receives datagrams of one sender only. ``before`` is the head of the last one that it had sent.

    A network may bring a datagram twice, or behind a later one: it is dropped; ``poll`` tells of news.
    """

    before: bytes

    def __init__(self, params: dict[str, Any]) -> None:
        host, _, port = params["url"].removeprefix("udp://").rpartition(":")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.connect((host, int(port)))
        self._ready = _poll_of(self._socket)
        self._news: bytes | None = None
        try:
            self._join(params["url"])
        except BaseException:
            self._socket.close()
            raise
        self._latest = message_number(self.before) if self.before else -1

    def poll(self, timeout_ms: float | None) -> bool:
        left_ms, end_s = timeout_ms, time.monotonic() + (timeout_ms or 0) / 1000
        while self._news is None and self._ready.poll(left_ms):
            self._take(self._socket.recv(LARGEST_BYTES))
            left_ms = None if timeout_ms is None else max(0.0, 1000 * (end_s - time.monotonic()))
        return self._news is not None

    def recv(self) -> tuple[bytes, Any]:
        while self._news is None:
            self._take(self._socket.recv(LARGEST_BYTES))
        news, self._news = self._news, None
        return news, None

    def _take(self, message: bytes) -> None:
        if message.startswith(TOPIC) and message_number(message) > self._latest:
            self._news, self._latest = message, message_number(message)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.send(GOODBYE)
        self._socket.close()

    def _join(self, url: str) -> None:
        deadline_s = time.monotonic() + CONNECT_TIMEOUT_S
        while (now_s := time.monotonic()) < deadline_s:
            with contextlib.suppress(ConnectionRefusedError):
                self._socket.send(HELLO)
                while (left_s := now_s + ANSWER_S - time.monotonic()) > 0 and self._ready.poll(1000 * left_s):
                    message = self._socket.recv(LARGEST_BYTES)
                    if message.startswith(WELCOME):
                        self.before = message.removeprefix(WELCOME)
                        return
        raise StreamError(f"no sender answers at {url}: configure the OutputStream, and keep it open")


def _poll_of(one: socket.socket) -> select.poll:
    ready = select.poll()
    ready.register(one, select.POLLIN)
    return ready
