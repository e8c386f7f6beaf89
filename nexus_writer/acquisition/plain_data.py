"""Transfer mode ``plaindata``: the bytes of each chunk go through the socket, as they lie in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compression import compressor, decompress
from .dtypes import make_dtype
from .errors import StreamError
from .transfer_modes import Channel, DataReceiver, DataSender, Source, register_transfermode
from .wire import COMPRESSED, FORTRAN, INLINE, pack_head, unpack_head

__all__ = ["PlainDataReceiver", "PlainDataSender"]

SMALL_BYTES = 8192


class PlainDataSender(DataSender):
    """Copies a chunk once, into the message: the caller may change it as soon as ``send`` has returned."""

    def __init__(self, socket: Channel, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self._compress = compressor(params["compression"])
        self._message = bytearray()

    def send(self, index: int, data: NDArray[Any]) -> None:
        flags, in_memory = 0, data
        if not data.flags.c_contiguous:
            flags = FORTRAN if data.flags.f_contiguous else 0
            in_memory = data.T if flags else np.ascontiguousarray(data)
        body: Any = None
        if self._compress and data.size:
            flags |= COMPRESSED
            body = self._compress(in_memory)
        nbytes = data.nbytes if body is None else len(body)
        inline = nbytes <= self.socket.inline_bytes
        head = pack_head(flags | INLINE * inline, self.epoch, self.sequence_number, index, data.shape)
        if not inline:
            self.socket.send(head, in_memory.reshape(-1).view("u1") if body is None else body)
        elif body is not None or nbytes < SMALL_BYTES:
            self.socket.send(head + (in_memory.tobytes() if body is None else body))
        else:
            self.socket.send(self._joined(head, in_memory))
        self.sequence_number += 1

    def _joined(self, head: bytes, data: NDArray[Any]) -> memoryview:
        """Both as one message, which is faster than two; it is copied before the next one is joined."""
        size = len(head) + data.nbytes
        if len(self._message) < size:
            self._message = bytearray(size)
        self._message[: len(head)] = head
        np.frombuffer(self._message, data.dtype, data.size, len(head)).reshape(data.shape)[...] = data
        return memoryview(self._message)[:size]


class PlainDataReceiver(DataReceiver):
    """Chunks are views of the messages, to be read only."""

    def __init__(self, socket: Source, params: dict[str, Any]) -> None:
        super().__init__(socket, params)
        self._dtype = make_dtype(params["dtype"])

    def recv(self, return_data: bool, out: NDArray[Any] | None = None) -> tuple[int, NDArray[Any] | None]:
        message, body = self.socket.recv()
        head = unpack_head(message)
        while not self.sequence.see(head):
            message, body = self.socket.recv()
            head = unpack_head(message)
        if head.flags & INLINE:
            body = memoryview(message)[head.nbytes :]
        if head.flags & COMPRESSED:
            body = decompress(body)
        size = math.prod(head.shape)
        if body is None or len(body) != size * self._dtype.itemsize:
            raise StreamError(f"chunk {head.number} is not whole: connect again")
        if not return_data:
            return head.index, None
        flat = np.frombuffer(body, self._dtype) if size else np.empty(0, self._dtype)
        order = "F" if head.flags & FORTRAN else "C"
        data = flat.reshape(head.shape, order=order)  # type: ignore[call-overload]
        if out is None:
            return head.index, data
        self.check_out(out, len(data))
        out[...] = data
        return head.index, out


register_transfermode("plaindata", PlainDataSender, PlainDataReceiver)
