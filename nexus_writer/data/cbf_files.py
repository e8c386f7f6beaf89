"""CBF files that a camera writes: one frame each, compressed by the differences of neighbours.

fabio's reader of whole CBF files runs for ever on one that is cut off (2026.6), so its header is read here,
and fabio only undoes the compression once all bytes are there.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable

from .fabio_files import fabio_module, told_in_a_line

_MARK = b"--CIF-BINARY-FORMAT-SECTION--"
_STARTER = b"\x0c\x1a\x04\xd5"
"""Stands between the header of the binary section and its bytes."""
_FIELD = re.compile(r"^\s*([\w-]+)\s*[:=]\s*\"?([^\"\r\n]*)", re.MULTILINE)
_COMPRESSION = "x-CBF_BYTE_OFFSET"
_DTYPES = {
    f"{sign} {8 * size}-bit integer": np.dtype(f"{kind}{size}")
    for sign, kind in (("signed", "i"), ("unsigned", "u"))
    for size in (1, 2, 4, 8)
}


def read_frame(path: str) -> npt.NDArray[Any]:
    """The frame, (rows, columns). Raises FramesUnreadable where it is not complete yet, FabioMissing."""
    compression = fabio_module("compression")
    with told_in_a_line(path):
        content = Path(path).read_bytes()
        start = content.find(_MARK)
        header, starter, rest = content[max(0, start) :].partition(_STARTER)
        if start < 0 or not starter:
            raise FramesUnreadable(path, "it has no complete header of a CBF image")
        fields = dict(_FIELD.findall(header.decode("latin-1")))
        dtype, shape, size = _layout(path, fields)
        if len(rest) < size or _MARK not in rest[size:]:
            raise FramesUnreadable(path, "it ends too early")
        _check_sum(path, fields, rest[:size])
        pixels = shape[0] * shape[1]
        wide = np.dtype("i8")  # narrower ones overflow where neighbours differ by 2**31 and more
        values = np.asarray(compression.decByteOffset(rest[:size], size=pixels, dtype=wide))
        if len(values) != pixels:
            raise FramesUnreadable(path, f"it has {len(values)} pixels where its header says {pixels}")
        return values.astype(dtype).reshape(shape)


def _layout(path: str, fields: dict[str, str]) -> tuple[np.dtype[Any], tuple[int, int], int]:
    """Type and shape of the frame, and how many bytes it has in the file."""
    if fields.get("conversions") != _COMPRESSION:
        raise FramesUnreadable(path, f"its compression is {fields.get('conversions')}, not {_COMPRESSION}")
    dtype = _DTYPES.get(fields.get("X-Binary-Element-Type", "").strip())
    sizes = [
        int(fields.get(f"X-Binary-{name}", 0))
        for name in ("Size-Second-Dimension", "Size-Fastest-Dimension", "Size")
    ]
    if dtype is None or min(sizes) <= 0 or sizes[0] * sizes[1] > sizes[2]:  # a pixel has a byte at least
        raise FramesUnreadable(path, "its header does not say type, shape and size of the image")
    return dtype, (sizes[0], sizes[1]), sizes[2]


def _check_sum(path: str, fields: dict[str, str], data: bytes) -> None:
    told = fields.get("Content-MD5", "").strip()
    if told and told != b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode():
        raise FramesUnreadable(path, "its checksum is another one")
