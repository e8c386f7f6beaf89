"""Where the frames of a camera are: in files that the camera writes itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FrameRun:
    """Frames of a scan that lie one behind the other in one file.

    The frames ``start`` to ``stop`` (not included) of the scan are the frames ``first`` to ``first`` +
    ``count`` of ``file``. ``dataset`` is the path in an HDF5 file, "" in a file of another format.
    """

    start: int
    count: int
    file: str
    dataset: str
    first: int

    @property
    def stop(self) -> int:
        return self.start + self.count


class FrameFiles(Protocol):
    """Says which file holds which frame of a camera, before there are any.

    ``format`` is the camera's word for the kind of files, in lower case: "hdf5", "hdf5bs", "edf", "cbf" ...
    """

    @property
    def format(self) -> str: ...

    def runs(self, start: int, stop: int) -> list[FrameRun]:
        """The files of the frames ``start`` to ``stop`` (not included), in the order of the frames."""
        ...
