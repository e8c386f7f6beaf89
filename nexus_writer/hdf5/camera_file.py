"""HDF5 files that a camera writes: opened for a moment, without any lock, so that it is never hindered."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._guard import guarded
from ._library import h5py
from .answering import wait_for_disk
from .causes import cause_text
from .errors import Hdf5Error


class FramesUnreadable(Hdf5Error):
    """Frames are not where they should be, or not yet."""

    def __init__(self, path: str | os.PathLike[str], why: str) -> None:
        super().__init__(f"{os.fspath(path)} ({why})")
        self.path = os.fspath(path)
        self.why = why


@dataclass(frozen=True, slots=True)
class FramesInFile:
    """``count`` frames of ``shape``: what a file holds, written or not."""

    count: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@guarded
def look_at_frames(path: str, dataset: str, rank: int, first: int = 0, count: int = 0) -> FramesInFile:
    """What ``dataset`` holds, where frames have ``rank`` dimensions.

    Raises FramesUnreadable, also when one of the ``count`` frames from ``first`` on was not written yet.
    """
    with _opened(path) as file:
        found = _dataset(file, path, dataset)
        frames = _frames_of(found, rank, path)
        _check_written(found, frames, first, count, path)
        return frames


@guarded
def read_frames(path: str, dataset: str, rank: int, first: int, count: int) -> npt.NDArray[Any]:
    """``count`` frames from ``first`` on, (count,) + shape.

    Raises FramesUnreadable, also rather than give the fill value of a frame that was not written yet.
    """
    import hdf5plugin  # noqa: F401  cameras compress by filters that HDF5 lacks

    with _opened(path) as file:
        found = _dataset(file, path, dataset)
        frames = _frames_of(found, rank, path)
        _check_written(found, frames, first, count, path)
        try:
            values = found[()] if found.ndim == rank else found[first : first + count]
        except (OSError, RuntimeError) as error:
            why = cause_text(error)
        else:
            return np.asarray(values).reshape(count, *frames.shape)
        raise FramesUnreadable(path, why)


def _opened(path: str) -> Any:
    wait_for_disk(path)
    try:
        return h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        why = "it does not exist"
    except (OSError, RuntimeError) as error:
        why = cause_text(error)
    raise FramesUnreadable(path, why)


def _dataset(file: Any, path: str, name: str) -> Any:
    try:
        found = file[name]
    except (KeyError, OSError, RuntimeError):
        found = None
    if not isinstance(found, h5py.Dataset):
        raise FramesUnreadable(path, f"it has no {name}")
    return found


def _frames_of(found: Any, rank: int, path: str) -> FramesInFile:
    """A dataset of the rank of a frame is one frame."""
    if found.ndim == rank:
        return FramesInFile(1, tuple(found.shape), found.dtype)
    if found.ndim == rank + 1:
        return FramesInFile(int(found.shape[0]), tuple(found.shape[1:]), found.dtype)
    raise FramesUnreadable(path, f"it has {found.ndim} dimensions where a frame has {rank}")


def _check_written(found: Any, frames: FramesInFile, first: int, count: int, path: str) -> None:
    """A file has room for frames before it has the frames, and reads as fill values until then."""
    if frames.count < first + count:
        raise FramesUnreadable(path, f"it has {frames.count} frames, {first + count} are needed")
    if found.chunks is None:
        written = not count or found.id.get_offset() is not None or found.is_virtual or found.external
    else:
        rank = len(frames.shape)
        rows = range(first, first + count) if found.ndim > rank else (0,) * count
        written = all(_has_chunks(found, row, rank) for row in rows)
    if not written:
        raise FramesUnreadable(path, f"frames up to {first + count - 1} of it are not written")


def _has_chunks(found: Any, row: int, rank: int) -> bool:
    """Whether the first and the last chunk of a frame are there."""
    corner = [(length - 1) // chunk * chunk for length, chunk in zip(found.shape, found.chunks, strict=True)]
    first = [0] * len(corner)
    if found.ndim > rank:
        first[0] = corner[0] = row // found.chunks[0] * found.chunks[0]
    return all(found.id.get_chunk_info_by_coord(tuple(at)).byte_offset is not None for at in (first, corner))
