"""Datasets whose values are bytes of other files: external ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._library import h5py
from .items import file_type

MAX_FRAMES = 2700
"""What fits into the header of a dataset: 24 bytes a frame, 64 kB in all."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as plain numbers in a file: ``dtype`` with its byte order, row by row from ``offset`` on."""

    file: str
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def kind(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """What all frames of one dataset have in common."""
        return self.dtype, self.shape


@dataclass(frozen=True, slots=True)
class ExternalFrames:
    """``frames`` of one kind, at least one, one behind the other: (frames,) + shape of a frame.

    HDF5 finds relative names from the working directory of each reader, so they have to be absolute.
    """

    frames: Sequence[RawFrame]

    def create(self, group: Any) -> Any:
        dtype, shape = self.frames[0].kind
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_obj_track_times(False)
        for frame in self.frames:
            creation.set_external(os.fsencode(frame.file), frame.offset, frame.nbytes)
        space = h5py.h5s.create_simple((len(self.frames), *shape))
        return h5py.h5d.create(group, None, file_type(dtype), space, creation)
