"""Images of a camera from the files that it wrote. HDF5 needs no more than we have; others need fabio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable, read_frames
from nexus_writer.model import FrameRun

from . import cbf_files, edf_files, tiff_files
from .errors import DataError
from .lima_saving import CONCATENATED

READ_HERE = "HDF5, EDF (EDFGZ and EDFCONCAT too), CBF and TIFF"


class ImageFileUnreadable(DataError):
    """Images are not in their file, or not yet."""

    def __init__(self, format: str, why: str) -> None:
        super().__init__(
            f"{why}, format {format.upper()}: is it saved, and can this host see the file, there or by a "
            "path_map?"
        )


class UnknownImageFormat(DataError):
    """Files of another kind."""

    def __init__(self, file: str, format: str) -> None:
        super().__init__(
            f"{file} is of the format {format.upper() or '(not told)'}: only {READ_HERE} files are read "
            "here, read it by another program"
        )


def read_images(run: FrameRun, format: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """All images of a run, (count, rows, columns); its file is opened once.

    ``shape`` is what the camera declares for one image: dimensions of 0 are not known.
    Raises ImageFileUnreadable, UnknownImageFormat, FabioMissing.
    """
    read = _reader(run, format.lower(), shape)
    try:
        return read(run.first, run.count)
    except FramesUnreadable as error:
        raise ImageFileUnreadable(format, str(error)) from None


def _reader(run: FrameRun, format: str, shape: tuple[int, ...]) -> Callable[[int, int], npt.NDArray[Any]]:
    """What reads so many images of the file from an index on."""
    if format.startswith("hdf5"):
        return partial(read_frames, run.file, run.dataset, len(shape) or 2)
    if format == CONCATENATED:
        return partial(_concatenated, run.file, shape)
    if format.startswith("edf"):
        return partial(edf_files.read_frames, run.file)
    if format.startswith("cbf"):
        return partial(_single, run.file)
    if format.startswith("tif"):
        return partial(tiff_files.read_frames, run.file)
    raise UnknownImageFormat(run.file, format)


def _concatenated(file: str, shape: tuple[int, ...], first: int, count: int) -> npt.NDArray[Any]:
    if len(shape) != 2 or shape[0] <= 0:
        raise FramesUnreadable(file, "the camera does not declare the height of its images")
    return edf_files.read_concatenated(file, shape[0], first, count)


def _single(file: str, first: int, count: int) -> npt.NDArray[Any]:
    if first or count > 1:
        raise FramesUnreadable(file, "a CBF file has one image")
    image: npt.NDArray[Any] = cbf_files.read_frame(file)[None]
    return image
