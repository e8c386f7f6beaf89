"""The latest messages of a source: a thread of its own reads, and forgets the oldest when too many wait."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from .errors import StreamError
from .zmq_channel import ZmqSubscriber

__all__ = ["Latest"]


class Latest:
    """What ``policy='drop_oldest'`` puts before a receiver. ``length`` messages wait at most."""

    def __init__(self, source: ZmqSubscriber, length: int) -> None:
        self._source = source
        self.before = source.before
        self._waiting: deque[tuple[bytes, Any]] = deque(maxlen=length)
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="latest chunks", daemon=True)
        self._thread.start()

    def poll(self, timeout_ms: float | None) -> bool:
        timeout_s = None if timeout_ms is None else timeout_ms / 1000
        with self._changed:
            return bool(
                self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s) and self._waiting
            )

    def recv(self) -> tuple[bytes, Any]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                raise StreamError("the stream was closed while it was read")
            return self._waiting.popleft()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        self._source.close()

    def _read(self) -> None:
        while not self._closed:
            if self._source.poll(20):
                message = self._source.recv()
                with self._changed:
                    self._waiting.append(message)
                    self._changed.notify_all()
