"""Frames on their way into files, as a Lima camera writes them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nexus_writer.data.lima_saving import LimaSaving
from nexus_writer.data.publishing.lima import SavingSpec
from nexus_writer.hdf5 import FrameFile

__all__ = ["SavedFrames"]


class SavedFrames:
    """Writes frames one after another, ``frames_per_file`` to a file, and tells where each is.

    ``spec`` is what the writer of the scan has to know; ``npoints`` frames come at most, None: any number.
    """

    def __init__(self, spec: SavingSpec, shape: tuple[int, int], dtype: Any, npoints: int | None) -> None:
        saving = LimaSaving.from_description(spec.fields)
        assert saving is not None  # SavingSpec saves
        self.spec = spec
        self._saving, self._shape, self._dtype, self._npoints = saving, shape, dtype, npoints
        self._file: FrameFile | None = None

    @property
    def reference_dtype(self) -> list[tuple[str, str]]:
        """Of what tells where a frame is: its file, the path in it, and its number there."""
        run = self._saving.runs(0, 1)[0]
        longest = len(run.file.encode()) + 8
        return [("file", f"S{longest}"), ("dataset", f"S{len(run.dataset.encode())}"), ("index", "<i8")]

    @property
    def params(self) -> dict[str, Any]:
        """``SavingSpec(**params)`` is the spec; goes through JSON."""
        return {**dataclasses.asdict(self.spec), "directory": str(self.spec.directory)}

    def references(self, start: int, stop: int) -> NDArray[Any]:
        """Of the frames ``start`` to ``stop`` (not included), written or not."""
        found = [
            (run.file.encode(), run.dataset.encode(), run.first + n)
            for run in self._saving.runs(start, stop)
            for n in range(run.count)
        ]
        return np.array(found, self.reference_dtype)

    def check_free(self) -> None:
        """FileExistsError when there are frames of an earlier start: they are not overwritten."""
        first = self._saving.runs(0, 1)[0].file
        if Path(first).exists():
            raise FileExistsError(
                f"{first} is there already: configure the camera with another directory or prefix"
            )

    def write(self, number: int, frame: NDArray[Any]) -> None:
        """Frame ``number``: they come in order. It can be read when this returns."""
        run = self._saving.runs(number, number + 1)[0]
        if run.first == 0:
            self.close()
            count = self.spec.frames_per_file
            if self._npoints is not None:
                count = min(count, self._npoints - number)
            self._file = FrameFile(run.file, run.dataset, count, self._shape, self._dtype)
        assert self._file is not None  # the first frame is the first of a file
        self._file.write(run.first, frame)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
