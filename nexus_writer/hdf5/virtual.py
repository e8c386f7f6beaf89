"""Datasets made of frames in other HDF5 files: virtual ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import PurePath
from typing import Any

import numpy as np

from nexus_writer.model import FrameRun, boxes

from ._library import h5py
from .items import file_type


@dataclass(frozen=True, slots=True)
class VirtualFrames:
    """The frames of ``runs``, which follow each other from 0 on: (frames,) + ``frame_shape``.

    On a ``grid`` of several dimensions they fill its places in C order instead; it has its whole shape from
    the start, and more rows when there are more frames.

    A frame whose file is missing reads as the fill value, 0 or NaN. The extent of a source is declared as
    just what is taken of it, with an explicit selection: so a file may have more frames, now or later, and
    none is opened to make this. ``files`` are as they are to be written, see :func:`source_name`.
    """

    runs: Sequence[FrameRun]
    dtype: np.dtype[Any]
    frame_shape: tuple[int, ...]
    grid: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        frames = self.runs[-1].stop if self.runs else 0
        return frames_shape(frames, self.grid) + self.frame_shape

    def create(self, group: Any) -> Any:
        shape = self.shape
        rank = len(shape)
        space = h5py.h5s.create_simple(shape, (h5py.h5s.UNLIMITED,) * rank)
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_obj_track_times(False)
        if not self.runs:
            creation.set_layout(h5py.h5d.VIRTUAL)
        creation.set_fill_value(np.array(np.nan if self.dtype.kind in "fc" else 0, dtype=self.dtype))
        corner = (0,) * len(self.frame_shape)
        for run in self.runs:
            first = run.first
            for box in boxes(run.start, run.stop, shape[: rank - len(corner)]):
                places = tuple(n or 0 for n in box.count)
                count = prod(places)
                source = h5py.h5s.create_simple((first + count, *self.frame_shape))
                _select(source, (first, *corner), (count, *self.frame_shape))
                _select(space, box.start + corner, places + self.frame_shape)
                creation.set_virtual(space, _escaped(run.file), _escaped(run.dataset), source)
                first += count
        space.select_all()
        return h5py.h5d.create(group, None, file_type(self.dtype), space, creation)


def frames_shape(frames: int, grid: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions in front of those of a frame."""
    if len(grid) < 2:
        return (frames,)
    return (max(grid[0], -(-frames // prod(grid[1:]))), *grid[1:])


def _select(space: Any, start: tuple[int, ...], block: tuple[int, ...]) -> None:
    space.select_hyperslab(start, (1,) * len(start), None, block)


def source_name(file: str, directory: str | os.PathLike[str]) -> str:
    """How a dataset in a file of ``directory`` names another file: relative, so that both can be moved
    together; absolute where that one is not below the directory."""
    own, slash, name = file.rpartition("/")
    return f"{_source_directory(own or slash, os.fspath(directory))}{name}"


@lru_cache(maxsize=64)
def _source_directory(directory: str, start: str) -> str:
    relative = os.path.relpath(directory, start)
    if relative == ".":
        return ""
    return f"{directory.rstrip('/') if '..' in PurePath(relative).parts else relative}/"


def _escaped(name: str) -> bytes:
    """HDF5 reads %b in the name of a source as the number of a block."""
    return os.fsencode(name.replace("%", "%%"))
