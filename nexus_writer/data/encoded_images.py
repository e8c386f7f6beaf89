"""Images as a Lima server sends them: a header, and the pixels behind it, row by row.

DATA_ARRAY is the answer to its command ``readImage``, VIDEO_IMAGE the value of its attribute
``video_last_image``; both layouts stand in the documentation of Lima's Tango server. Nothing that a header
says is believed before the bytes are there.
"""

from __future__ import annotations

import struct
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import DataError

Encoded = tuple[str, bytes]
"""The name of the format, and the bytes."""

_ARRAY_MAGIC = int.from_bytes(b"DTAY", "big")
_ARRAY_HEADER = struct.Struct("<IHHIIHHHH")
"""Magic, version, size of the header, category, type, byte order, dimensions, width, height; more follows."""
_ARRAY_TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8")

_VIDEO_MAGIC = int.from_bytes(b"VDEO", "big")
_VIDEO_HEADER = struct.Struct(">IHHqiiHHHH")
"""Magic, version, mode, frame number, width, height, byte order, size of the header, padding."""
_GREY_MODES = {0: "u1", 1: "u2", 2: "i4", 3: "i8"}
"""Signed where there are 32 bits and more: what marks bad pixels is below 0, and no counter gets that far."""
_COLOUR_MODES = {6: (0, 1, 2), 7: (0, 1, 2, 3), 8: (2, 1, 0), 9: (2, 1, 0, 3)}
"""RGB24, RGB32, BGR24, BGR32: where red, green, blue and the fourth byte of a pixel are."""
_ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")


class ImageUndecodable(DataError):
    """A camera's server sent what we do not understand."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the camera's image cannot be decoded ({why}): take it from its file, or for live images set "
            "video_mode of the camera to Y8, Y16, Y32, Y64, RGB24, RGB32, BGR24 or BGR32"
        )


class VideoImage(NamedTuple):
    """``values`` is (rows, columns), or (rows, columns, 3 or 4) with red, green and blue in this order."""

    values: npt.NDArray[Any]
    frame_number: int


def decode_data_array(encoded: Encoded) -> npt.NDArray[Any]:
    """(rows, columns). Raises ImageUndecodable."""
    data = _bytes_of("DATA_ARRAY", encoded, _ARRAY_HEADER.size)
    magic, version, header, _, kind, order, rank, width, height = _ARRAY_HEADER.unpack_from(data)
    if magic != _ARRAY_MAGIC or not version:
        raise ImageUndecodable(f"it begins with {bytes(data[:6])!r}")
    if rank != 2:
        raise ImageUndecodable(f"it has {rank} dimensions")
    if kind >= len(_ARRAY_TYPES):
        raise ImageUndecodable(f"its pixels are of the type {kind}")
    _check_header(header, _ARRAY_HEADER.size)
    return _pixels(data[header:], _ordered(_ARRAY_TYPES[kind], order), (height, width))


def decode_video_image(encoded: Encoded) -> VideoImage | None:
    """None while the camera has no image yet. Raises ImageUndecodable."""
    data = _bytes_of("VIDEO_IMAGE", encoded, _VIDEO_HEADER.size)
    magic, version, mode, number, width, height, order, header, _, _ = _VIDEO_HEADER.unpack_from(data)
    if magic != _VIDEO_MAGIC or version != 1:
        raise ImageUndecodable(f"it begins with {bytes(data[:6])!r}")
    if number < 0:
        return None
    _check_header(header, _VIDEO_HEADER.size)
    if mode in _GREY_MODES:
        values = _pixels(data[header:], _ordered(_GREY_MODES[mode], order), (height, width))
    elif mode in _COLOUR_MODES:
        channels = _COLOUR_MODES[mode]
        values = _pixels(data[header:], np.dtype("u1"), (height, width, len(channels)))[..., channels]
    else:
        raise ImageUndecodable(f"its video mode is {mode}")
    return VideoImage(values, number)


def _bytes_of(format: str, encoded: Encoded, least: int) -> memoryview:
    named, data = encoded
    if named != format:
        raise ImageUndecodable(f"its format is {named!r:.40} instead of {format}")
    if len(data) < least:
        raise ImageUndecodable(f"it has {len(data)} bytes, fewer than its header")
    return memoryview(data)


def _check_header(size: int, least: int) -> None:
    if size < least:
        raise ImageUndecodable(f"its header says to have {size} bytes")


def _ordered(kind: str, order: int) -> np.dtype[Any]:
    if order >= len(_ORDERS):
        raise ImageUndecodable(f"its byte order is {order}")
    return np.dtype(kind).newbyteorder(_ORDERS[order])


def _pixels(data: memoryview, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A copy, in this machine's byte order."""
    nbytes = dtype.itemsize
    for length in shape:
        nbytes *= length
    if min(shape) <= 0 or nbytes != len(data):
        raise ImageUndecodable(f"{len(data)} bytes of pixels are no image of {shape} {dtype.name}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
