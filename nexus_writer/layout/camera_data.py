"""The frames of one camera in its entry.

The camera writes them into files of its own, and says before the first one where. Depending on the format of
these files and on the options, the dataset of the camera

* is a virtual dataset over HDF5 files, or an external one over plain EDF files: frames stay where they are;
* holds copies of the frames;
* holds a text for each frame that says where it is.

It is there as soon as the camera has said where it saves, and follows what the camera says to be saved: so a
frame that is in the dataset can be read. The end of the scan brings all frames that were measured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from nexus_writer.data.edf_files import NotRaw
from nexus_writer.data.fabio_files import FabioMissing
from nexus_writer.hdf5 import (
    UNFILLED,
    ChunkOptions,
    FramesUnreadable,
    ReplacedDataset,
    frames_shape,
    look_at_frames,
    set_attributes,
)
from nexus_writer.model import Block, ChannelDescription, FrameFiles

from .channel_data import NUMBERS, ChannelData, DatasetView
from .frame_check import is_incomplete, what_is_wrong
from .frame_copy import FrameCopy
from .frame_store import FrameStore
from .frame_versions import ExternalVersions, FrameVersions, uri_recipe, virtual_recipe
from .frame_ways import Way, ways
from .options import LayoutOptions
from .place import Place

MISSING_S = 1.0
"""Seconds that the end of a scan waits for files that frames are referred to in."""
UNREADABLE_S = 10.0
"""Seconds that it waits for frames that are needed themselves, without one of them coming."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a camera needs of its entry.

    ``directory`` is the one of the scan's file. ``link`` is called when the dataset is there, with True when
    it holds frames and no texts; ``unlink`` when it is gone again.
    """

    options: LayoutOptions
    directory: Path
    link: Callable[[CameraData, bool], None]
    unlink: Callable[[CameraData], None]
    warn: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FrameDataset:
    """A dataset by reference, as others see it; with the shape of a ``grid`` of several dimensions."""

    path: str
    points: int
    point_shape: tuple[int, ...]
    grid: tuple[int, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return frames_shape(self.points, self.grid) + self.point_shape


class CameraData(ChannelData):
    """``describe`` it, ``refer`` to frames and ``update`` as often as there are new ones, ``publish`` after
    each flush; in the end ``complete``, flush, ``publish``, flush and ``close``."""

    def __init__(
        self,
        channel: ChannelDescription,
        place: Place,
        group: Any,
        *,
        scan_shape: tuple[int, ...],
        chunking: ChunkOptions,
        unit: str | None,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(channel, place, group, scan_shape=scan_shape, chunking=chunking, unit=unit)
        self._surroundings = surroundings
        self._files: FrameFiles | None = None
        self._ways: list[Way] = []
        self._store: FrameStore | None = None
        self._goal = 0
        self._frames = 0
        self._linked = False

    @property
    def points(self) -> int:
        """Frames that the dataset has; also when it is closed."""
        return self._frames if self._store is None else self._store.frames

    @property
    def is_saving(self) -> bool:
        """Whether it has said that it saves, and where."""
        return self._files is not None

    @property
    def has_dataset(self) -> bool:
        """Whether readers find frames, or none yet."""
        return self._linked and self._way is not Way.TEXT

    @property
    def virtual(self) -> bool:
        return self._way is Way.VIRTUAL

    @property
    def dataset(self) -> DatasetView:
        """There is one."""
        if self._dataset is not None:
            return self._dataset
        path = f"{self.group.name}/{self.place.dataset}"
        return FrameDataset(path, self.points, tuple(self.channel.shape), self._grid)

    def describe(self, channel: ChannelDescription, files: FrameFiles) -> None:
        """Where the camera saves, and what its frames are like. Once."""
        if self._files is None:
            self.channel = channel
            self._files = files
            self._ways = ways(files.format, self._surroundings.options)

    def refer(self, frames: int) -> None:
        """So many frames are to be in the dataset; never fewer than before."""
        self._goal = max(self._goal, frames)

    def update(self, *, at_once: bool = False) -> None:
        """Go on towards the frames that are to be there, for a moment."""
        if self._files is None:
            return
        if self._store is None:
            self._store = self._new_store(self._files)
        while self._store is not None:
            try:
                self._store.update(self._goal, at_once=at_once)
                return
            except FramesUnreadable:
                return  # it comes, or the end tells
            except (NotRaw, FabioMissing) as error:
                why = str(error)
            self._fall_back(self._files, why)

    def seconds_to_update(self) -> float | None:
        """None when ``update`` would have nothing to do."""
        return None if self._store is None else self._store.seconds_to_update(self._goal)

    def publish(self) -> bool:
        """Let readers see what was flushed; True when the file has to be flushed for that."""
        if self._store is None:
            return False
        published = self._store.publish()
        if not self._linked and (published or self.points):
            self._linked = published = True
            self._surroundings.link(self, self._way is not Way.TEXT)
        return published

    def patience_s(self) -> float:
        """How long to wait, when the scan has ended, for something that the camera has yet to write; 0 when
        all is there. Frames by reference need not be waited for: it keeps from telling that they lack."""
        if self._store is None or self._files is None:
            return 0.0
        if self._way in (Way.EXTERNAL, Way.COPY):
            return UNREADABLE_S if self.points < self._goal else 0.0
        rank = len(self.channel.shape) if self._way is Way.VIRTUAL else None
        return MISSING_S if is_incomplete(self._files.runs(0, self._goal), rank) else 0.0

    def complete(self) -> str | None:
        """No more frames will come: all that can be is in the dataset; why frames are lost, or None."""
        if self._files is None:
            return None
        if not self._goal:
            self._remove()
            return None
        while True:
            self.update(at_once=True)
            why: str | None = "nothing tells the shape of its frames"
            if self._store is not None:
                why = self._store.skip(self._goal)
            if why is None or self._way is Way.COPY:
                return why
            self._fall_back(self._files, why)

    def close(self) -> None:
        """Tell of files that are missing, and give back what is held."""
        self._frames = self.points
        store, self._store = self._store, None
        if store is None or self._files is None:
            return
        store.close()
        self._tell_holes()
        if self._way is not Way.COPY:
            runs = self._files.runs(0, self._goal)
            shape = self.channel.shape if self._way is Way.VIRTUAL else None
            for text in what_is_wrong(runs, shape, self._surroundings.directory):
                self._surroundings.warn(f"{self.channel.name}: {text}")

    @property
    def shown_files(self) -> list[str]:
        """The files whose frames the dataset shows; none when it holds copies, or texts."""
        if self._files is None or not self._linked or self._way not in (Way.VIRTUAL, Way.EXTERNAL):
            return []
        return list(dict.fromkeys(run.file for run in self._files.runs(0, self._goal)))

    def set_unit(self, unit: str | None) -> None:
        super().set_unit(unit)
        if self._linked and self._dataset is None and self.unit:
            set_attributes(self.group[self.place.dataset], {"units": self.unit})

    @property
    def _grid(self) -> tuple[int, ...]:
        """That of the dataset: texts, and files that are shown as they are, cannot have places without a
        frame."""
        return self._scan_shape if self._way is Way.VIRTUAL and self._grid_rank else ()

    def _tell_holes(self) -> None:
        """A place without a frame reads as 0."""
        size = prod(frames_shape(self.points, self._grid))
        if self._linked and self.points < size:
            unfilled = np.array([(self.points, size)], dtype=np.int64)
            set_attributes(self.group[self.place.dataset], {UNFILLED: unfilled})

    @property
    def _way(self) -> Way:
        return self._ways[0] if self._ways else Way.TEXT

    def _new_store(self, files: FrameFiles) -> FrameStore | None:
        """None while the shape of frames is not known, where that is needed."""
        directory = self._surroundings.directory
        match self._way:
            case Way.VIRTUAL:
                if not self._is_declared() and not self._observe(files):
                    return None
                recipe = virtual_recipe(files, directory, self.channel.dtype, self.channel.shape, self._grid)
                return FrameVersions(self._new_dataset(), recipe, self.attributes)
            case Way.EXTERNAL:
                return ExternalVersions(self._new_dataset(), files, self.attributes)
            case Way.COPY:
                return FrameCopy(self._append_copy, files, len(self.channel.shape) or 2)
            case Way.TEXT:
                return FrameVersions(self._new_dataset(), uri_recipe(files, directory), self.attributes)

    def _fall_back(self, files: FrameFiles, why: str) -> None:
        """The next simpler way, for all frames."""
        self._remove()
        left_out, *self._ways = self._ways
        self._surroundings.warn(
            f"frames of {self.channel.name} are saved as {self._way.value}, not as {left_out.value}: {why}"
        )
        self._store = self._new_store(files)
        with contextlib.suppress(FramesUnreadable, NotRaw, FabioMissing):
            if self._store is not None:
                self._store.update(self._goal, at_once=True)

    def _remove(self) -> None:
        if self._store is not None:
            self._store.remove()
        if self._linked:
            self._surroundings.unlink(self)
        self._store, self._frames, self._linked = None, 0, False

    def _new_dataset(self) -> ReplacedDataset:
        return ReplacedDataset(self.group, self.place.dataset)

    def _append_copy(self, block: Block) -> int:
        if self._dataset is None:
            self.create(block.values)
        return self.append([block])

    def _is_declared(self) -> bool:
        shape = self.channel.shape
        return self.channel.dtype.kind in NUMBERS and len(shape) > 0 and min(shape) > 0

    def _observe(self, files: FrameFiles) -> bool:
        """Take the type and shape of frames from the first one; False while there is none."""
        if not self._goal:
            return False
        with contextlib.suppress(FramesUnreadable):
            run = files.runs(0, 1)[0]
            found = look_at_frames(run.file, run.dataset, len(self.channel.shape) or 2, run.first, 1)
            self.channel = replace(self.channel, dtype=found.dtype, shape=found.shape)
            return True
        return False
