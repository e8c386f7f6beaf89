"""EDF files that a camera writes: where their frames lie, and the frames themselves. fabio reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable, RawFrame

from .errors import DataError
from .fabio_files import fabio_module, told_in_a_line

_BYTE_ORDERS = {"LOWBYTEFIRST": "<", "HIGHBYTEFIRST": ">"}
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_MAGICS_OF_COMPRESSION = (b"\x1f\x8b", b"BZh", b"\xfd7zX", _LZ4_MAGIC)


class NotRaw(DataError):
    """The frames of a file are not plain numbers; no waiting helps."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} cannot be part of an external dataset ({why})")
        self.why = why


def raw_frames(path: str, first: int, count: int) -> list[RawFrame]:
    """Where ``count`` frames from ``first`` on lie in a file.

    Raises FramesUnreadable where they are not complete yet, NotRaw, FabioMissing.
    """
    if _starts_with(path, _MAGICS_OF_COMPRESSION):
        raise NotRaw(path, "the file is compressed")
    with _opened(path) as image:
        frames = _some(image, path, first, count)
        raw = [_raw_frame(path, frame) for frame in frames]
        if any(frame.blobsize < place.nbytes for frame, place in zip(frames, raw, strict=True)):
            raise NotRaw(path, "its header promises more values than there are")
        return raw


def read_frames(path: str, first: int, count: int) -> npt.NDArray[Any]:
    """``count`` frames from ``first`` on, (count, rows, columns).

    Raises FramesUnreadable where they are not complete yet, FabioMissing.
    """
    if _starts_with(path, (_LZ4_MAGIC,)):
        raise FramesUnreadable(path, "its compression, LZ4, is not read by fabio")
    with _opened(path) as image:
        frames = _some(image, path, first, count)
        return np.stack([frame.data for frame in frames])


def read_concatenated(path: str, rows: int, first: int, count: int) -> npt.NDArray[Any]:
    """As ``read_frames``, of a file that has its frames below each other in one image, ``rows`` rows each.

    Its header counts a frame before it is written, so what counts is the length of the file.
    Raises FramesUnreadable, FabioMissing.
    """
    try:
        with _opened(path) as image:
            raw = _raw_frame(path, next(iter(image.frames())))
    except NotRaw as error:
        raise FramesUnreadable(path, error.why) from None
    columns = raw.shape[1]
    nbytes_of_frame = rows * columns * raw.dtype.itemsize
    complete = (Path(path).stat().st_size - raw.offset) // nbytes_of_frame
    if raw.shape[0] % rows:
        raise FramesUnreadable(path, f"its {raw.shape[0]} rows are no frames of {rows} rows")
    if min(complete, raw.shape[0] // rows) < first + count:
        raise FramesUnreadable(path, f"it has not {first + count} complete frames")
    offset = raw.offset + first * nbytes_of_frame
    values = np.fromfile(path, raw.dtype, count * rows * columns, offset=offset)
    return values.reshape(count, rows, columns).astype(raw.dtype.newbyteorder("="))


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    image = fabio_module("edfimage").EdfImage()
    with told_in_a_line(path):
        try:
            image.read(path)
            yield image
        finally:
            image.close()


def _some(image: Any, path: str, first: int, count: int) -> list[Any]:
    frames = list(image.frames())[first : first + count]
    if len(frames) < count or any(frame.incomplete_data for frame in frames):
        raise FramesUnreadable(path, f"it has not {first + count} complete frames")
    return frames


def _raw_frame(path: str, frame: Any) -> RawFrame:
    header = {str(name).upper(): str(value) for name, value in frame.header.items()}
    if not header.get("COMPRESSION", "NO").upper().startswith("NO"):
        raise NotRaw(path, f"its frames are compressed by {header['COMPRESSION']}")
    if "EDF_BINARYFILENAME" in header:
        raise NotRaw(path, "its frames are in another file")
    dtype = np.dtype(frame.dtype)
    order = _BYTE_ORDERS.get(header.get("BYTEORDER", "").upper(), "|")
    if order == "|" and dtype.itemsize > 1:
        raise NotRaw(path, "it does not say its byte order")
    return RawFrame(
        str(Path(path).absolute()), int(frame.start), dtype.newbyteorder(order), tuple(frame.shape)
    )


def _starts_with(path: str, magics: tuple[bytes, ...]) -> bool:
    with told_in_a_line(path), Path(path).open("rb") as file:
        return file.read(max(map(len, magics))).startswith(magics)
