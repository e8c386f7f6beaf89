"""Frames by reference: a dataset that is made anew when the camera has more of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nexus_writer.data.edf_files import NotRaw, raw_frames
from nexus_writer.hdf5 import (
    MAX_FRAMES,
    ExternalFrames,
    RawFrame,
    Recipe,
    ReplacedDataset,
    TextRows,
    VirtualFrames,
    source_name,
)
from nexus_writer.model import FrameFiles, FrameRun

from .frame_uris import frame_uris

COST_FACTOR = 25
"""A version takes about 12 us a file: between two passes this many times what the last one took."""
STEP_S = 0.1
"""Longer than this nothing works on the frames of one camera before it lets others in."""


class FrameVersions:
    """The dataset of a camera whose frames stay where they are.

    ``recipe`` makes a version with a number of frames. ``frames`` are in the version that was made last;
    readers see it after ``publish``, which belongs between two flushes.
    """

    frames: int

    def __init__(
        self,
        dataset: ReplacedDataset,
        recipe: Callable[[int], Recipe],
        attributes: Callable[[], Mapping[str, Any]],
    ) -> None:
        self.frames = 0
        self._dataset = dataset
        self._recipe = recipe
        self._attributes = attributes
        self._empty = True
        self._next_s = 0.0

    def update(self, goal: int, *, at_once: bool = False) -> None:
        """Make a version with ``goal`` frames, when one is due."""
        start_s = time.monotonic()
        if self._is_current(goal) or (start_s < self._next_s and not at_once):
            return
        self._dataset.stage(self._recipe(goal), self._attributes())
        self.frames, self._empty = goal, False
        end_s = time.monotonic()
        self._next_s = end_s + COST_FACTOR * (end_s - start_s)

    def seconds_to_update(self, goal: int) -> float | None:
        """None when ``update`` would have nothing to do."""
        return None if self._is_current(goal) else max(0.0, self._next_s - time.monotonic())

    def publish(self) -> bool:
        """Let readers see the last version; True when the file has to be flushed for that."""
        return self._dataset.publish()

    def skip(self, goal: int) -> str | None:
        """The goal is reached without what is missing; why it cannot be."""
        return None

    def remove(self) -> None:
        self._dataset.remove()

    def close(self) -> None:
        self._dataset.close()

    def _is_current(self, goal: int) -> bool:
        return goal == self.frames and not self._empty


class ExternalVersions(FrameVersions):
    """Frames that are plain numbers in files: where they lie is known from the files alone."""

    def __init__(
        self, dataset: ReplacedDataset, files: FrameFiles, attributes: Callable[[], Mapping[str, Any]]
    ) -> None:
        super().__init__(dataset, lambda frames: ExternalFrames(self._found[:frames]), attributes)
        self._files = files
        self._found: list[RawFrame] = []

    def update(self, goal: int, *, at_once: bool = False) -> None:
        """Raises FramesUnreadable where a file is not there yet; NotRaw, FabioMissing where none helps."""
        try:
            self._find(goal)
        finally:
            if self._found:
                super().update(min(goal, len(self._found)), at_once=at_once)

    def seconds_to_update(self, goal: int) -> float | None:
        if len(self._found) < goal:
            return STEP_S
        return super().seconds_to_update(goal) if goal else None

    def skip(self, goal: int) -> str | None:
        left = goal - len(self._found)
        return f"{left} of {goal} frames are missing: no external dataset has holes" if left > 0 else None

    def _find(self, goal: int) -> None:
        deadline_s = time.monotonic() + STEP_S
        for run in self._files.runs(len(self._found), goal):
            found = raw_frames(run.file, run.first, run.count)
            kinds = {frame.kind for frame in (*self._found[:1], *found)}
            if len(kinds) > 1:
                raise NotRaw(run.file, "its frames have another shape or type than those before")
            if len(self._found) + len(found) > MAX_FRAMES:
                raise NotRaw(run.file, f"an external dataset takes {MAX_FRAMES} frames")
            self._found += found
            if time.monotonic() > deadline_s:
                return


def virtual_recipe(
    files: FrameFiles,
    directory: Path,
    dtype: np.dtype[Any],
    frame_shape: tuple[int, ...],
    grid: tuple[int, ...] = (),
) -> Callable[[int], Recipe]:
    """Virtual datasets in a file of ``directory``, with the shape of a ``grid`` of several dimensions."""

    def named(run: FrameRun) -> FrameRun:
        return replace(run, file=source_name(run.file, directory))

    return lambda frames: VirtualFrames(
        [named(run) for run in files.runs(0, frames)], dtype, frame_shape, grid
    )


def uri_recipe(files: FrameFiles, directory: Path) -> Callable[[int], Recipe]:
    """Texts that say where each frame is, as seen from ``directory``."""
    return lambda frames: TextRows(frame_uris(files.runs(0, frames), directory))
