"""Images of a camera from the files that it wrote. HDF5 needs no more than we have; EDF needs fabio."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable, read_frames

from . import edf_files
from .errors import DataError
from .image_references import ImageReference
from .lima_saving import CONCATENATED


class ImageFileUnreadable(DataError):
    """The image is not in its file, or not yet."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: is it saved, and can this host see the file?")


class UnknownImageFormat(DataError):
    """Files of another kind, or without single images in them."""

    def __init__(self, reference: ImageReference) -> None:
        super().__init__(
            f"{reference.file} is of the format {reference.format}: only HDF5 and EDF files are read here, "
            "EDF with an image for each frame"
        )


def read_image(reference: ImageReference, rank: int) -> npt.NDArray[Any]:
    """The image, of ``rank`` dimensions.

    Raises ImageFileUnreadable, UnknownImageFormat, FabioMissing.
    """
    kind = reference.format.lower()
    try:
        if kind.startswith("hdf5"):
            frames = read_frames(reference.file, reference.dataset, rank, reference.index_in_file, 1)
        elif kind.startswith("edf") and kind != CONCATENATED:
            frames = edf_files.read_frames(reference.file, reference.index_in_file, 1)
        else:
            raise UnknownImageFormat(reference)
    except FramesUnreadable as error:
        raise ImageFileUnreadable(str(error)) from None
    image: npt.NDArray[Any] = frames[0]
    return image
