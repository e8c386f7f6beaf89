"""EDF files that a camera writes: where their frames lie, and the frames themselves. fabio reads them."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable, RawFrame

from .errors import DataError

_BYTE_ORDERS = {"LOWBYTEFIRST": "<", "HIGHBYTEFIRST": ">"}


class FabioMissing(DataError):
    """Nothing here can read the files of this camera."""

    def __init__(self) -> None:
        super().__init__("fabio is needed to read EDF files: install the extra 'images' of nexus-writer")


class NotRaw(DataError):
    """The frames of a file are not plain numbers; no waiting helps."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} cannot be part of an external dataset ({why})")


def raw_frames(path: str, first: int, count: int) -> list[RawFrame]:
    """Where ``count`` frames from ``first`` on lie in a file.

    Raises FramesUnreadable where they are not complete yet, NotRaw, FabioMissing.
    """
    if _is_compressed(path):
        raise NotRaw(path, "the file is compressed")
    with _opened(path) as image:
        frames = _some(image, path, first, count)
        return [_raw_frame(path, frame) for frame in frames]


def read_frames(path: str, first: int, count: int) -> npt.NDArray[Any]:
    """``count`` frames from ``first`` on, (count, rows, columns).

    Raises FramesUnreadable where they are not complete yet, FabioMissing.
    """
    with _opened(path) as image:
        frames = _some(image, path, first, count)
        return np.stack([frame.data for frame in frames])


@contextlib.contextmanager
def _opened(path: str) -> Iterator[Any]:
    try:
        edf = importlib.import_module("fabio.edfimage")
    except ImportError:
        raise FabioMissing from None
    logging.getLogger("fabio").setLevel(logging.CRITICAL)  # what is wrong with a file comes back from here
    image = edf.EdfImage()
    try:
        image.read(path)
        yield image
    except (FramesUnreadable, DataError):
        raise
    except Exception as error:  # fabio meets half a header with whatever it stumbles over
        raise FramesUnreadable(path, " ".join(str(error).split()) or type(error).__name__) from None
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
    raw = RawFrame(
        str(Path(path).absolute()), int(frame.start), dtype.newbyteorder(order), tuple(frame.shape)
    )
    if frame.blobsize < raw.nbytes:
        raise NotRaw(path, "its header promises more values than there are")
    return raw


def _is_compressed(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            start = file.read(4)
    except FileNotFoundError:
        raise FramesUnreadable(path, "it does not exist") from None
    except OSError as error:
        raise FramesUnreadable(path, error.strerror or str(error)) from None
    return start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zX", b"\x04\x22\x4d\x18"))
