"""Where each image of a camera is saved, as walks tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from .lima_saving import LimaSaving

_AT_ONCE = 1000


class ImageReference(NamedTuple):
    """``dataset`` is the path in an HDF5 file, "" otherwise; ``index_in_file`` counts from 0;
    ``format`` is the camera's word, like HDF5 or EDF."""

    file: str
    dataset: str
    index_in_file: int
    format: str


@dataclass(frozen=True, slots=True)
class ImageReferences(Sequence[ImageReference]):
    """Of the images ``start`` to ``stop`` (not included).

    They are computed when they are asked for: however many images a camera claims to have, they cost nothing.
    """

    saving: LimaSaving
    format: str
    start: int
    stop: int

    def __len__(self) -> int:
        return max(0, self.stop - self.start)

    @overload
    def __getitem__(self, index: int) -> ImageReference: ...
    @overload
    def __getitem__(self, index: slice) -> list[ImageReference]: ...
    def __getitem__(self, index: int | slice) -> ImageReference | list[ImageReference]:
        images = range(self.start, self.stop)[index]
        if isinstance(images, int):
            return next(self._of(images, images + 1))
        return [reference for image in images for reference in self._of(image, image + 1)]

    def __iter__(self) -> Iterator[ImageReference]:
        for start in range(self.start, self.stop, _AT_ONCE):
            yield from self._of(start, min(start + _AT_ONCE, self.stop))

    def _of(self, start: int, stop: int) -> Iterator[ImageReference]:
        for run in self.saving.runs(start, stop):
            for index in range(run.first, run.first + run.count):
                yield ImageReference(run.file, run.dataset, index, self.format)
