"""Messages over ZeroMQ: tcp, ipc, inproc.

A receiver subscribes to the chunks, then to a topic of its own. The sender's thread sees that second
subscription and answers on it, with the head of what was sent last: as subscriptions come in order, the first
one is live then, and a receiver knows what comes next. The socket of a sender is used by two threads, under
one lock.
"""

from __future__ import annotations

import secrets
import select
import threading
import time
from collections import deque
from typing import Any

from .errors import SendBlocked, StreamError
from .wire import LARGEST_HEAD_BYTES, TOPIC

try:
    import zmq
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "nexus_writer.acquisition needs pyzmq: install the extra 'acquisition'"
    ) from None

__all__ = ["ZmqPublisher", "ZmqSubscriber"]

HELLO = b"H"
LOOK_AGAIN_S = 0.02
CONNECT_TIMEOUT_S = 5.0
BURST_CHUNKS = 1000
"""With ``drop_oldest`` what a sender's socket holds at least, until its own thread has time for it."""
PATIENCE_S = 1.0
SMALL_BYTES = 16_384


def queue_length(params: dict[str, Any]) -> int:
    chunks = int(params["queue_chunks"])
    return max(chunks, BURST_CHUNKS) if params["policy"] == "drop_oldest" else chunks


class ZmqPublisher:
    """Sends to all receivers; with ``policy='block'`` it waits for the slowest.

    With ``drop_oldest`` it waits for a moment, for ZeroMQ's own threads; once in vain, and then no more until
    there is room: the receiver has been stopped, or its network has.
    """

    inline_bytes = 1 << 17

    def __init__(self, params: dict[str, Any]) -> None:
        self._timeout_s = float(params["send_timeout_s"])
        self._policy = params["policy"]
        self._patient = True
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.XPUB)
        self._socket.setsockopt(zmq.LINGER, 1000)
        self._socket.setsockopt(zmq.SNDHWM, queue_length(params))
        self._socket.setsockopt(zmq.XPUB_NODROP, self._policy != "drop_newest")
        self.url, self.port = self._bind(params)
        self._lock = threading.Lock()
        self._last = b""
        self._closed = threading.Event()
        self._greeter = threading.Thread(target=self._greet, name=f"greeter of {self.url}", daemon=True)
        self._greeter.start()

    def send(self, head: bytes | memoryview, body: Any = None) -> None:
        """SendBlocked when a receiver takes nothing for too long; the message is then sent to nobody."""
        if self._policy == "drop_oldest":
            if not self._try_for(PATIENCE_S if self._patient else 0.0, head, body):
                self._patient = False
                self._try(head, body, drop=True)
            else:
                self._patient = True
        elif not self._try_for(self._timeout_s, head, body):
            raise SendBlocked(self._timeout_s)

    def close(self) -> None:
        self._closed.set()
        self._greeter.join()
        self._socket.close()

    def _try_for(self, timeout_s: float, head: bytes | memoryview, body: Any) -> bool:
        deadline_s, pause_s = 0.0, 0.0001
        while not self._try(head, body):
            deadline_s = deadline_s or time.monotonic() + timeout_s
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.005)
        return True

    def _try(self, head: bytes | memoryview, body: Any, drop: bool = False) -> bool:
        """``drop``: not to receivers that have no room."""
        with self._lock:
            if drop:
                self._socket.setsockopt(zmq.XPUB_NODROP, False)
            try:
                if body is None:
                    self._socket.send(head, zmq.NOBLOCK)
                else:
                    self._socket.send(head, zmq.NOBLOCK | zmq.SNDMORE)
                    self._socket.send(body, zmq.NOBLOCK)
            except zmq.Again:
                return False
            finally:
                if drop:
                    self._socket.setsockopt(zmq.XPUB_NODROP, True)
            self._last = bytes(head[:LARGEST_HEAD_BYTES])
        return True

    def _bind(self, params: dict[str, Any]) -> tuple[str, Any]:
        protocol = params["protocol"]
        where = f"{params['interface']}:{params['port']}"
        if protocol != "tcp":
            where = ("@" if protocol == "ipc" else "") + f"nexus_acquisition_{secrets.token_hex(12)}"
        try:
            self._socket.bind(f"{protocol}://{where}")
        except zmq.ZMQError as error:
            self._socket.close()
            raise StreamError(f"no stream can be opened at {protocol}://{where}: {error}") from None
        if protocol != "tcp":
            return f"{protocol}://{where}", params["port"]
        url = self._socket.getsockopt(zmq.LAST_ENDPOINT)
        address = bytes(url).rstrip(b"\0").decode()
        return address, int(address.rpartition(":")[2])

    def _greet(self) -> None:
        """Answer receivers that have subscribed. A send may take the wake-up away, so look again by time."""
        ready, owed = select.poll(), deque[bytes]()
        ready.register(self._socket.fileno(), select.POLLIN)
        while not self._closed.is_set():
            ready.poll(1000 * LOOK_AGAIN_S)
            with self._lock:
                self._read_subscriptions(owed)
                try:
                    while owed:
                        self._socket.send(owed[0] + self._last, zmq.NOBLOCK)
                        owed.popleft()
                except zmq.Again:
                    continue

    def _read_subscriptions(self, owed: deque[bytes]) -> None:
        try:
            while True:
                subscription = self._socket.recv(zmq.NOBLOCK)
                if subscription.startswith(b"\x01" + HELLO):
                    owed.append(subscription[1:])
        except zmq.Again:
            return


class ZmqSubscriber:
    """Receives what is sent after it was made. One thread uses it at a time."""

    before: bytes

    def __init__(self, params: dict[str, Any]) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        self._small = True
        self._socket.setsockopt(zmq.LINGER, 0)
        # A thread reads and drops the oldest: see Latest. What it has no time for must not wait elsewhere.
        self._socket.setsockopt(zmq.RCVHWM, 0 if params["policy"] == "drop_oldest" else queue_length(params))
        try:
            self._socket.connect(params["url"])
            self._subscribe(params["url"])
        except BaseException:
            self._socket.close()
            raise

    def poll(self, timeout_ms: float | None) -> bool:
        return bool(self._socket.poll(None if timeout_ms is None else int(timeout_ms)))

    def recv(self) -> tuple[Any, Any]:
        """A copy of a small message is faster than what keeps the original, so expect one like the last."""
        head = self._socket.recv() if self._small else self._socket.recv(copy=False).buffer
        self._small = len(head) < SMALL_BYTES
        if not self._socket.get(zmq.RCVMORE):  # the property rcvmore takes 6 us
            return head, None
        return head, self._socket.recv(copy=False).buffer

    def close(self) -> None:
        self._socket.close()

    def _subscribe(self, url: str) -> None:
        topic = HELLO + secrets.token_bytes(12)
        self._socket.setsockopt(zmq.SUBSCRIBE, TOPIC)
        self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while True:
            if not self._socket.poll(max(0, int(1000 * (deadline - time.monotonic())))):
                raise StreamError(f"no sender answers at {url}: configure the OutputStream, and keep it open")
            head = self._socket.recv()
            if head.startswith(topic):
                break
        self.before = head.removeprefix(topic)
        self._socket.setsockopt(zmq.UNSUBSCRIBE, topic)
