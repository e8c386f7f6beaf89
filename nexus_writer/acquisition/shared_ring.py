"""Transfer mode ``sharedmem``: chunks lie in a ring that all processes share; messages only tell where.

With ``policy='block'`` a sender waits until the slowest reader has done with what it is about to overwrite;
readers that are dead are not waited for. With ``drop_oldest`` it never waits: a reader that is too slow loses
the oldest samples, and is told so once, with their number; then it goes on behind what was written last. What
is given out is a copy that is known to be whole.
"""

from __future__ import annotations

from typing import Any, NoReturn

from numpy.typing import NDArray

from .errors import ChunkRefused, OverrunError, StreamError
from .local_channel import LocalPublisher, LocalSubscriber
from .ring_buffer import RingBuffer
from .spare_arrays import SpareArrays
from .transfer_modes import DataReceiver, DataSender, register_transfermode
from .wire import Head

__all__ = ["SharedMemReceiver", "SharedMemSender"]

FIRST_PAUSE_S = 0.00002


class SharedMemSender(DataSender):
    """Takes ``buffer_size`` (samples), ``double``, ``axisorder`` and ``fill`` from the parameters."""

    socket: LocalPublisher

    def __init__(self, socket: LocalPublisher, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self.ring = _ring(params, True)
        params["shm_id"] = self.ring.shm_id
        self._blocks = params["policy"] == "block"
        self._free_to = (-1, 0)

    def send(self, index: int, data: NDArray[Any]) -> None:
        """SendBlocked when a reader does not get on for too long; nothing was written then."""
        if len(data) > self.ring.size:
            raise ChunkRefused(f"a chunk of {len(data)} samples into a ring of {self.ring.size}: cut it")
        number = self.sequence_number
        if self._blocks and (index > self._free_to[0] or number >= self._free_to[1]):
            self._wait_for_room(index, number)
        self.ring.append(data, index)
        self.socket.publish(self.epoch, number, index, len(data))
        self.sequence_number = number + 1

    def reset_index(self) -> None:
        """With ``policy='block'`` the ring stays until it was read: the next ``send`` waits."""
        super().reset_index()
        self._free_to = (-1, 0)
        if not self._blocks:
            self.ring.reset_index()

    def close(self) -> None:
        self.ring.close()

    def _wait_for_room(self, index: int, number: int) -> None:
        deadline_s, pause_s = self.socket.deadline_s(), FIRST_PAUSE_S
        while index > self._free_to[0] or number >= self._free_to[1]:
            slowest = self.socket.slowest()
            if slowest >= number:
                if self.ring.resets() < self.epoch:
                    self.ring.reset_index()
                free_to = max(index, self.ring.index() + self.ring.size)
            else:
                free_to = self._free_behind(slowest)
            self._free_to = free_to, slowest + self.socket.heads.size - 1
            if index > free_to:
                pause_s = self.socket.wait(deadline_s, pause_s)

    def _free_behind(self, slowest: int) -> int:
        """Up to where nothing is overwritten that is in message ``slowest`` or a later one."""
        head = self.socket.heads.get(slowest)
        if head is None or head.epoch != self.epoch:
            return -1
        return head.index - head.count + self.ring.size


class SharedMemReceiver(DataReceiver):
    """``ring`` is the sender's, to be read only.

    A chunk that is not given out as a copy stays where it is until the next ``poll`` or ``recv``, if the
    sender's policy is ``block``.
    """

    default_return_data = False
    socket: LocalSubscriber

    def __init__(self, socket: LocalSubscriber, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self.ring = _ring(params, params["shm_id"])
        self._spare = SpareArrays(self.ring.shape[1:], self.ring.dtype)

    def poll(self, timeout_ms: float | None) -> bool:
        self.socket.free()
        return self.socket.poll(timeout_ms)

    def recv(self, return_data: bool, out: NDArray[Any] | None = None) -> tuple[int, NDArray[Any] | None]:
        socket, ring = self.socket, self.ring
        head = self._next()
        start, data = head.index - head.count, None
        self.check_out(out, head.count)
        if return_data:
            data = self._spare.take(head.count) if out is None else out
            ring.copy_out(start, head.index, data)
        if head.epoch != ring.resets() or not ring.holds(start):
            self._overrun()
        self.sequence.see(head)
        socket.number += 1
        if return_data:
            socket.free()
        return head.index, data

    def close(self) -> None:
        self.ring.close()

    def _next(self) -> Head:
        self.socket.free()
        if not self.socket.poll(None):
            raise StreamError("the sender of the stream has closed it, or is dead: connect to another one")
        return self.socket.heads.get(self.socket.number) or self._overrun()

    def _overrun(self) -> NoReturn:
        """Go on behind the latest message."""
        heads, first = self.socket.heads, self.socket.number
        latest = None
        while latest is None:
            self.socket.number = heads.sent()
            latest = heads.get(self.socket.number - 1)
        known = [
            head
            for number in range(max(first, latest.number - heads.size + 2), latest.number + 1)
            if (head := heads.get(number))
        ]
        raise OverrunError(self.sequence.skip(known, latest))


def _ring(params: dict[str, Any], shmem: bool | str) -> RingBuffer:
    shape = (int(params["buffer_size"]), *params["shape"][1:])
    order = params["axisorder"]
    return RingBuffer(shape, params["dtype"], bool(params["double"]), shmem, params["fill"], order)


register_transfermode("sharedmem", SharedMemSender, SharedMemReceiver)
