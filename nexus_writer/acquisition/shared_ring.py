"""Transfer mode ``sharedmem``: chunks lie in a ring that all processes share; messages only tell where.

A sender never waits: a reader that is too slow loses the oldest samples, and is told so once, with their
number; then it goes on behind what was written last. What is given out is a copy that is known to be whole.
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

from numpy.typing import NDArray

from .errors import ChunkRefused, OverrunError
from .ring_buffer import RingBuffer
from .transfer_modes import Channel, DataReceiver, DataSender, Source, register_transfermode
from .wire import Head, pack_head, unpack_head

__all__ = ["SharedMemReceiver", "SharedMemSender"]


class SharedMemSender(DataSender):
    """Takes ``buffer_size`` (samples), ``double``, ``axisorder`` and ``fill`` from the parameters."""

    def __init__(self, socket: Channel, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self.ring = _ring(params, True)
        params["shm_id"] = self.ring.shm_id

    def send(self, index: int, data: NDArray[Any]) -> None:
        if len(data) > self.ring.size:
            raise ChunkRefused(f"a chunk of {len(data)} samples into a ring of {self.ring.size}: cut it")
        self.ring.new_chunk(data, index)
        self.socket.send(pack_head(0, self.epoch, self.sequence_number, index, data.shape))
        self.sequence_number += 1

    def reset_index(self) -> None:
        super().reset_index()
        self.ring.reset_index()

    def close(self) -> None:
        self.ring.close()


class SharedMemReceiver(DataReceiver):
    """``ring`` is the sender's, to be read only."""

    default_return_data = False

    def __init__(self, socket: Source, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self.ring = _ring(params, params["shm_id"])
        self._resume: tuple[int, int] = (-1, 0)
        self._head: Head | None = None

    def poll(self, timeout_ms: float | None) -> bool:
        """Messages that an overrun has counted do not count as chunks."""
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        while self._head is None:
            left_ms = None if deadline is None else max(0.0, 1000 * (deadline - time.monotonic()))
            if not self.socket.poll(left_ms):
                return False
            self._head = self._new()
        return True

    def recv(self, return_data: bool) -> tuple[int, NDArray[Any] | None]:
        head = self._next()
        start, data = head.index - head.count, None
        if head.epoch != self.ring.resets():
            self._overrun(head)
        if return_data:
            try:
                data = self.ring.get_data(start, head.index, copy=True)
            except IndexError:
                self._overrun(head)
        if head.epoch != self.ring.resets() or not self.ring.holds(start):
            self._overrun(head)
        self.sequence.see(head)
        return head.index, data

    def close(self) -> None:
        self.ring.close()

    def _next(self) -> Head:
        """The next message that no overrun has counted."""
        head, self._head = self._head, None
        while head is None:
            head = self._new()
        return head

    def _new(self) -> Head | None:
        head = unpack_head(self.socket.recv()[0])
        return head if (head.epoch, head.index) > self._resume else None

    def _overrun(self, head: Head) -> NoReturn:
        self._resume = (self.ring.resets(), self.ring.index())
        raise OverrunError(self.sequence.skip_to(head, *self._resume))


def _ring(params: dict[str, Any], shmem: bool | str) -> RingBuffer:
    shape = (int(params["buffer_size"]), *params["shape"][1:])
    order = params["axisorder"]
    return RingBuffer(shape, params["dtype"], bool(params["double"]), shmem, params["fill"], order)


register_transfermode("sharedmem", SharedMemSender, SharedMemReceiver)
