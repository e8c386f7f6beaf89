"""Where a Lima camera saves its frames, as it says before an acquisition."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

from nexus_writer.model import FrameRun

from .errors import DataError

NOT_SAVING = "NOSAVING"
CONCATENATED = "edfconcat"
"""All frames of such a file are one image for its readers, the one with index 0."""
OLD_VERSION = "<1.9.1"
_INDEX_FORMAT = re.compile(r"[^%]*%0?\d{0,2}d[^%]*")


class UnusableSaving(DataError):
    """A camera saves, but says in no way that we understand where."""

    def __init__(self, field: str, value: object) -> None:
        super().__init__(
            f"{field} is {value!r:.60}: its frames are saved, but are not in this file; find them by the "
            "camera's own settings"
        )


@dataclass(frozen=True, slots=True)
class LimaSaving:
    """The files of one camera in one scan.

    A file has ``frames_per_file`` frames; each acquisition of ``frames_per_acquisition`` frames begins with
    a new one (0 in either: no limit). File n is ``directory/`` + ``prefix`` + n by ``index_format`` +
    ``suffix``, and n counts from ``first_number``. ``dataset`` is the path in an HDF5 file, "" otherwise.
    """

    format: str
    directory: str
    prefix: str
    index_format: str
    suffix: str
    frames_per_file: int
    frames_per_acquisition: int
    first_number: int
    dataset: str

    @classmethod
    def from_description(
        cls, description: Mapping[str, Any], map_path: Callable[[str], str] = str
    ) -> Self | None:
        """From what a camera's node says; None for one that does not save.

        ``map_path`` gives the directory as this host sees it. Raises UnusableSaving.
        """
        if _text(description, "saving_mode", NOT_SAVING) == NOT_SAVING:
            return None
        format = _text(description, "saving_format").lower()
        directory = _text(description, "saving_directory")
        if not directory:
            raise UnusableSaving("saving_directory", description.get("saving_directory"))
        index_format = _text(description, "saving_index_format", "%04d")
        if not _INDEX_FORMAT.fullmatch(index_format):
            raise UnusableSaving("saving_index_format", index_format)
        per_file = _number(description, "saving_frame_per_file")
        per_acquisition = _number(description, "saving_frame_per_acquisition")
        if _text(description, "saving_overwrite") == "multiset":
            per_file, per_acquisition = _number(description, "acq_nb_frames"), 0
        return cls(
            format=format,
            directory=map_path(directory),
            prefix=_text(description, "saving_prefix"),
            index_format=index_format,
            suffix=_text(description, "saving_suffix"),
            frames_per_file=max(0, per_file),
            frames_per_acquisition=max(0, per_acquisition),
            first_number=_number(description, "saving_next_number"),
            dataset=_path_in_file(description) if format.startswith("hdf5") else "",
        )

    def runs(self, start: int, stop: int) -> list[FrameRun]:
        """The files of the frames ``start`` to ``stop`` (not included), in the order of the frames.

        The indices are those for a reader of the format: a file of concatenated frames has one image, 0.
        """
        found = self.places(start, stop)
        if self.format != CONCATENATED:
            return found
        return [FrameRun(index, 1, run.file, "", 0) for run in found for index in range(run.start, run.stop)]

    def places(self, start: int, stop: int) -> list[FrameRun]:
        """As ``runs``, with the indices of frames among those of a file, whatever its format."""
        places = []
        while start < stop:
            number, first, left = self._at(start)
            count = min(stop - start, left or stop - start)
            places.append(FrameRun(start, count, self._file(number), self.dataset, first))
            start += count
        return places

    def _at(self, frame: int) -> tuple[int, int, int]:
        """Number of the file of a frame, index in it, frames of it from there on (0: all that come)."""
        per_file, per_acquisition = self.frames_per_file, self.frames_per_acquisition
        acquisition, index = divmod(frame, per_acquisition) if per_acquisition else (0, frame)
        file, first = divmod(index, per_file) if per_file else (0, index)
        files_before = acquisition * math.ceil(per_acquisition / per_file) if per_file else acquisition
        left = [per_file - first] if per_file else []
        left += [per_acquisition - index] if per_acquisition else []
        return self.first_number + files_before + file, first, min(left, default=0)

    def _file(self, number: int) -> str:
        name = f"{self.prefix}{self.index_format % number}{self.suffix}"
        return f"{self.directory.rstrip('/')}/{name}"


def _path_in_file(description: Mapping[str, Any]) -> str:
    detector = _text(description, "user_detector_name")
    if _text(description, "lima_version", OLD_VERSION) == OLD_VERSION:
        return f"/entry_0000/instrument/{detector}/data/array"
    return f"/entry_0000/{_text(description, 'user_instrument_name', 'instrument')}/{detector}/data"


def _text(description: Mapping[str, Any], field: str, default: str = "") -> str:
    value = description.get(field)
    return value if isinstance(value, str) else default


def _number(description: Mapping[str, Any], field: str) -> int:
    value = description.get(field)
    return int(value) if isinstance(value, Integral) else 0
