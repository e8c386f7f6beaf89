"""The head of a message: what it holds, its number, and where its samples belong."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import StreamError

__all__ = [
    "COMPRESSED",
    "FORTRAN",
    "INLINE",
    "LARGEST_HEAD_BYTES",
    "TOPIC",
    "Head",
    "message_number",
    "pack_head",
    "unpack_head",
]

TOPIC = b"D"
COMPRESSED, FORTRAN, INLINE = 1, 2, 4
_FIXED = "<cBBxIqq"
_NUMBER = struct.Struct("<8xq")
_STRUCTS = [struct.Struct(f"{_FIXED}{ndim}q") for ndim in range(33)]
LARGEST_HEAD_BYTES = _STRUCTS[-1].size


@dataclass(slots=True)
class Head:
    """``index`` is that of the last sample + 1; ``epoch`` counts the sender's resets of its index."""

    flags: int
    epoch: int
    number: int
    index: int
    shape: tuple[int, ...]
    nbytes: int

    @property
    def count(self) -> int:
        return self.shape[0]


def pack_head(flags: int, epoch: int, number: int, index: int, shape: tuple[int, ...]) -> bytes:
    ndim = len(shape)
    return _STRUCTS[ndim].pack(TOPIC, flags, ndim, epoch, number, index, *shape)


def unpack_head(message: bytes) -> Head:
    try:
        layout = _STRUCTS[message[2]]
        _, flags, _, epoch, number, index, *shape = layout.unpack_from(message)
    except (IndexError, struct.error):
        raise StreamError("a message is no chunk of a stream: connect to an OutputStream") from None
    return Head(flags, epoch, number, index, tuple(shape), layout.size)


def message_number(message: bytes) -> int:
    """That of the head alone. StreamError for what is no message."""
    try:
        number: int = _NUMBER.unpack_from(message)[0]
    except struct.error:
        raise StreamError("a message is no chunk of a stream: connect to an OutputStream") from None
    return number
