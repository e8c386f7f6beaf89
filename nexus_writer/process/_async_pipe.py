"""A backend's pipe in an asyncio loop.

Reads what there is in one go, up to 64 KiB, and larger messages into memory of their size; stops reading
while nobody asks for the next message. A send waits until its bytes are the kernel's: memory stays bounded,
and nothing is lost when the process ends. A send that is cancelled goes out whole all the same.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from typing import Any

from ._wire import HEADER_BYTES, LONG_BYTES, long_length_of, packed, short_length_of, unpacked
from .pipe import MessagePipe

__all__ = ["AsyncPipe"]

BUFFER_BYTES = 65536


class AsyncPipe:
    """Takes over a pipe, for one coroutine that receives and any number that send."""

    def __init__(self, pipe: MessagePipe, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._descriptor = pipe.fileno()
        os.set_blocking(self._descriptor, False)
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._begin = self._end = 0
        self._target = self._buffer
        self._reads = False
        self._arrived: asyncio.Future[int] | None = None
        self._unsent: deque[memoryview] = deque()
        self._writes = False
        self._drained: list[asyncio.Future[None]] = []

    async def recv(self) -> Any:
        """The next object. Raises EOFError."""
        header = await self._take(HEADER_BYTES)
        size = short_length_of(header)
        if size is None:
            size = long_length_of(await self._take(LONG_BYTES))
        return unpacked(await self._take(size))

    async def send(self, obj: Any) -> None:
        """Raises what pickle raises, OSError."""
        self._unsent.append(packed(obj))
        if not self._writes:
            self._write()
        await self.drain()

    async def drain(self) -> None:
        """Until everything is the kernel's."""
        if self._unsent:
            drained = self._loop.create_future()
            self._drained.append(drained)
            await drained

    def takes_more(self) -> bool:
        """Would a message be sent without waiting, as far as is known?"""
        return not self._unsent

    async def _take(self, size: int) -> bytes | bytearray:
        begin = self._begin
        if self._end - begin >= size:
            self._begin = begin + size
            return bytes(self._buffer[begin : begin + size])
        if size <= BUFFER_BYTES:
            await self._fill(size)
            begin, self._begin = self._begin, self._begin + size
            return bytes(self._buffer[begin : begin + size])
        large = bytearray(size)
        view = memoryview(large)
        have = self._end - begin
        view[:have] = self._buffer[begin : self._end]
        self._begin = self._end = 0
        while have < size:
            have += await self._receive_into(view[have:])
        return large

    async def _fill(self, size: int) -> None:
        """At least that many bytes in the buffer."""
        if self._begin + size > BUFFER_BYTES or self._begin == self._end:
            left = bytes(self._buffer[self._begin : self._end])
            self._buffer[: len(left)] = left
            self._begin, self._end = 0, len(left)
        while self._end - self._begin < size:
            self._end += await self._receive_into(self._buffer[self._end :])

    async def _receive_into(self, target: memoryview) -> int:
        self._target = target
        self._arrived = self._loop.create_future()
        if not self._reads:
            self._loop.add_reader(self._descriptor, self._read)
            self._reads = True
        count = await self._arrived
        if not count:
            raise EOFError
        return count

    def _read(self) -> None:
        arrived, self._arrived = self._arrived, None
        if arrived is None or arrived.done():
            self._loop.remove_reader(self._descriptor)
            self._reads = False
            return
        try:
            arrived.set_result(os.readv(self._descriptor, [self._target]))
        except BlockingIOError:
            self._arrived = arrived
        except OSError:
            arrived.set_result(0)

    def _write(self) -> None:
        try:
            while self._unsent:
                sent = os.write(self._descriptor, self._unsent[0])
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                else:
                    self._unsent.popleft()
        except BlockingIOError:
            if not self._writes:
                self._loop.add_writer(self._descriptor, self._write)
                self._writes = True
            return
        except OSError as error:
            self._unsent.clear()
            if not self._drained:
                raise
            _end_all(self._drained, error)
        if self._writes:
            self._loop.remove_writer(self._descriptor)
            self._writes = False
        _end_all(self._drained, None)


def _end_all(waiting: list[asyncio.Future[None]], error: OSError | None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
    waiting.clear()
