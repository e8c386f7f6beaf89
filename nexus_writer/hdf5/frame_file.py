"""An HDF5 file that a simulated camera writes: every reader sees a frame once ``write`` has returned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from ._guard import guarded
from ._library import LIBVER, h5py

__all__ = ["FrameFile"]

_CLASSES = ("NXentry", "NXinstrument", "NXdetector")


class FrameFile:
    """A new file with room for ``count`` frames at ``dataset``, whose groups are entry, instrument, detector.

    FileExistsError when there is one: no frame is ever overwritten. One thread uses it at a time.
    """

    def __init__(
        self, path: str, dataset: str, count: int, shape: tuple[int, ...], dtype: npt.DTypeLike
    ) -> None:
        self.path = path
        self._frames = _created(path, dataset, (count, *shape), dtype)

    def write(self, index: int, frame: npt.NDArray[Any]) -> None:
        """The frame number ``index`` of this file."""
        _write(self._frames, index, frame)

    def close(self) -> None:
        _close(self._frames)


@guarded
def _created(path: str, dataset: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Any:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    file = h5py.File(path, "x", libver=LIBVER, locking=False)
    group = file
    for name, nx_class in zip(dataset.strip("/").split("/")[:-1], _CLASSES, strict=False):
        group = group.create_group(name)
        group.attrs["NX_class"] = nx_class
    frames = file.create_dataset(dataset, shape, dtype, chunks=(1, *shape[1:]))
    frames.attrs["interpretation"] = "image"
    file.flush()
    return frames


@guarded
def _write(frames: Any, index: int, frame: npt.NDArray[Any]) -> None:
    frames[index] = frame
    frames.file.flush()


@guarded
def _close(frames: Any) -> None:
    frames.file.close()
