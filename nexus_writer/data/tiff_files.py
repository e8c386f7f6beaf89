"""TIFF files that a camera writes, with one frame or several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import FramesUnreadable

from .fabio_files import fabio_module, told_in_a_line


def read_frames(path: str, first: int, count: int) -> npt.NDArray[Any]:
    """``count`` frames from ``first`` on, (count, rows, columns).

    Raises FramesUnreadable where they are not complete yet, FabioMissing.
    """
    tiff = fabio_module("TiffIO")
    with told_in_a_line(path), Path(path).open("rb") as file:
        images = tiff.TiffIO(file)
        if images.getNumberOfImages() < first + count:
            raise FramesUnreadable(path, f"it has not {first + count} complete frames")
        return np.stack([images.getImage(index) for index in range(first, first + count)])
