"""What of a dataset was measured, and what fills it up where points are smaller than others.

NeXus has a name for it, ``FIELDNAME_mask``: true where the field of that name has no value. A mask is made
when the first point comes that leaves something to fill, and shows then the points before it too. So whether
there is one, and what it says, depends on the points alone and not on the batches in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import GrowingDataset
from nexus_writer.model import Block

SUFFIX = "_mask"

_MOST_ELEMENTS = 2**24
"""Of points that are marked in one go when a mask is made late: 16 MB."""


class PaddingMask:
    """The mask of ``dataset``, of the same shape; ``make`` creates it, filled with true."""

    def __init__(self, dataset: GrowingDataset, make: Callable[[], GrowingDataset]) -> None:
        self._dataset = dataset
        self._make = make
        self._mask: GrowingDataset | None = None
        self._widths = dataset.point_shape

    def follow(self, blocks: Sequence[Block], points_before: int, gaps_before: list[tuple[int, int]]) -> None:
        """The dataset has taken ``blocks``; before that it had so many points and these gaps."""
        widths_before, self._widths = self._widths, self._dataset.point_shape
        new = list(self._marks(blocks))
        if self._mask is None:
            widened = points_before > 0 and widths_before != self._widths
            if not widened and all(block.values.shape[1:] == self._widths for block in new):
                return
            self._mask = self._made(points_before, gaps_before, widths_before)
        self._mask.append(new)

    @property
    def made(self) -> GrowingDataset | None:
        """None as long as no mask is needed."""
        return self._mask

    def require(self) -> None:
        """Make the mask, though no point is smaller than others: the dataset has places without a point."""
        if self._mask is None:
            self._mask = self._made(self._dataset.points, self._dataset.gaps, self._widths)

    def finish(self) -> None:
        """No more points will come."""
        if self._mask is not None:
            self._mask.finish()

    def _made(self, points: int, gaps: Sequence[tuple[int, int]], widths: tuple[int, ...]) -> GrowingDataset:
        """With the points that are there already."""
        mask = self._make()
        for start, stop in _pieces(points, gaps, widths):
            mask.append([Block("", start, np.zeros((stop - start, *widths), bool))])
        return mask

    def _marks(self, blocks: Sequence[Block]) -> Iterator[Block]:
        """What ``blocks`` have of the dataset's points, as false."""
        for block in blocks:
            points = min(block.stop, self._dataset.points) - block.start
            if points > 0:
                shape = _with_rank(block.values, len(self._widths))
                yield Block("", block.start, np.broadcast_to(np.False_, (points, *shape)))


def _with_rank(values: npt.NDArray[Any], rank: int) -> tuple[int, ...]:
    """The shape of a point in a dataset of points with ``rank`` dimensions, as GrowingDataset sees it."""
    shape = values.shape[1:]
    if len(shape) == rank:
        return shape
    lengths = tuple(n for n in shape if n != 1)
    return (1,) * (rank - len(lengths)) + lengths


def _pieces(
    points: int, gaps: Sequence[tuple[int, int]], widths: tuple[int, ...]
) -> Iterator[tuple[int, int]]:
    """The ranges of points that are there, none of them large."""
    step = max(1, _MOST_ELEMENTS // max(1, int(np.prod(widths, dtype=np.int64))))
    edges = [0, *(edge for gap in gaps for edge in gap), points]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        for first in range(start, stop, step):
            yield first, min(first + step, stop)
