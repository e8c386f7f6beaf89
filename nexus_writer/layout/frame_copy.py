"""Frames copied from the files of a camera into the file of the scan, while the camera writes them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from nexus_writer.data import edf_files
from nexus_writer.hdf5 import FramesUnreadable, read_frames
from nexus_writer.model import Block, FrameFiles, FrameRun

STEP_S = 0.1
STEP_NBYTES = 32 * 2**20
RETRY_S = 0.2
"""Seconds between two looks at a file that is not ready."""
SKIP_S = 1.0
"""Seconds that frames behind a missing one may still take when the scan has ended."""


class FrameCopy:
    """Copies frames in their order; ``append`` takes them, and frames have ``rank`` dimensions.

    ``frames`` is the index behind the last one that was copied.
    """

    frames: int

    def __init__(self, append: Callable[[Block], int], files: FrameFiles, rank: int) -> None:
        self.frames = 0
        self._append = append
        self._files = files
        self._rank = rank
        self._next = 0
        self._nbytes = 0
        self._why = ""
        self._retry_s = 0.0

    def update(self, goal: int, *, at_once: bool = False) -> None:
        """Copy for ``STEP_S`` at most. Raises FramesUnreadable at the first frame that is not there."""
        if time.monotonic() < self._retry_s and not at_once:
            return
        deadline_s = time.monotonic() + STEP_S
        try:
            while self._next < goal:
                self._copy(self._files.runs(self._next, goal)[0])
                if time.monotonic() > deadline_s:
                    break
        except FramesUnreadable as error:
            self._why = str(error)
            self._retry_s = time.monotonic() + RETRY_S
            raise
        self._why = ""
        self._retry_s = 0.0

    def skip(self, goal: int) -> str | None:
        """Copy what is there behind the first frame that is not, once and for all; what is missing then."""
        missing = 0
        deadline_s = time.monotonic() + SKIP_S
        while self._next < goal:
            run = self._files.runs(self._next, goal)[0]
            if time.monotonic() > deadline_s:
                missing += goal - self._next
                break
            try:
                self._copy(run)
            except FramesUnreadable as error:
                self._why = self._why or str(error)
                self._next = run.stop
                missing += run.count
        if not missing:
            return None
        return f"{missing} of {goal} frames are not copied: {self._why or 'there was no time'}"

    def seconds_to_update(self, goal: int) -> float | None:
        return None if self._next >= goal else max(0.0, self._retry_s - time.monotonic())

    def publish(self) -> bool:
        """Readers see what was flushed."""
        return False

    def remove(self) -> None:
        """As long as there are no frames there is nothing."""

    def close(self) -> None:
        """Nothing is held."""

    def _copy(self, run: FrameRun) -> None:
        """Some frames from the start of ``run`` on."""
        values = self._read(run)
        self._nbytes += self._append(Block("", run.start, values))
        self._next = self.frames = run.start + len(values)

    def _read(self, run: FrameRun) -> npt.NDArray[Any]:
        """As many frames as make a step, at least one; one alone where not all of them are there."""
        count = STEP_NBYTES * self._next // self._nbytes if self._nbytes else 1
        count = max(1, min(run.count, count))
        try:
            return self._frames(replace(run, count=count))
        except FramesUnreadable:
            if count == 1:
                raise
        return self._frames(replace(run, count=1))

    def _frames(self, run: FrameRun) -> npt.NDArray[Any]:
        if self._files.format.startswith("hdf5"):
            return read_frames(run.file, run.dataset, self._rank, run.first, run.count)
        return edf_files.read_frames(run.file, run.first, run.count)
