"""In which order a scan visits the places of a grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .slab import Piece, Slab, boxes

Range = tuple[int, int]
"""Points [start, stop) of a scan."""


@dataclass(frozen=True, slots=True)
class GridOrder:
    """Point after point along the last dimension, the fast axis, then along the one before it ...

    ``back_and_forth`` says of each dimension whether every second pass along it goes backwards; the slow
    axis, the first one, has one pass. A line is a grid of one dimension.
    """

    shape: tuple[int, ...]
    back_and_forth: tuple[bool, ...]

    @classmethod
    def forward(cls, shape: tuple[int, ...]) -> GridOrder:
        """Every pass in the same direction."""
        return cls(shape, (False,) * len(shape))

    @property
    def turns(self) -> bool:
        return any(self.back_and_forth[1:])

    @property
    def row(self) -> int:
        """Points in a row: in the grid without its slow axis."""
        return prod(self.shape[1:])

    @property
    def growing_count(self) -> int:
        """The number of pieces that :meth:`growing` has."""
        return self.row * (2 if self.turns else 1)

    def with_rows_for(self, points: int) -> GridOrder:
        """The grid with as many rows more as ``points`` need."""
        rows = max(self.shape[0], -(-points // self.row)) if self.row else self.shape[0]
        return GridOrder((rows, *self.shape[1:]), self.back_and_forth)

    def points(self) -> npt.NDArray[np.int64]:
        """The index of the point that was measured at each place of the grid."""
        visit = np.indices(self.shape, dtype=np.int64, sparse=True)
        points = np.zeros(self.shape, dtype=np.int64)
        for turns, length, place in zip(self.back_and_forth, self.shape, visit, strict=True):
            backwards = (points % 2 == 1) & turns
            points = points * length + np.where(backwards, length - 1 - place, place)
        return points

    def growing(self) -> Iterator[Piece]:
        """How a flat array of points shows on the grid while it grows, a piece for each place in a row.

        Each piece is endless along the slow axis; with a turning order there are two of them, for even and
        for odd rows: the direction of every axis depends on that alone.
        """
        step = 2 if self.turns else 1
        ones = (1,) * (len(self.shape) - 1)
        points = GridOrder((max(step, 1), *self.shape[1:]), self.back_and_forth).points()
        for parity in range(min(step, self.shape[0])):
            for place in product(*map(range, self.shape[1:])):
                target = Slab((parity, *place), (None, *ones), (step, *ones))
                source = Slab((int(points[(parity, *place)]),), (None,), (step * self.row,))
                yield Piece(target, source)

    def rows(self, *, kept: bool = False) -> Iterator[Piece]:
        """A piece for each row, all in one direction; ``kept`` as for :meth:`filled`."""
        inner = (0,) * (len(self.shape) - 1)
        for row in range(self.shape[0]):
            target = Slab.box((row, *inner), (1, *self.shape[1:]))
            yield Piece(target, target if kept else Slab.box((row * self.row,), (self.row,)))

    def filled(self, ranges: Sequence[Range], *, kept: bool = False) -> Iterator[Piece]:
        """How the points in ``ranges`` show on the grid; a single piece for all points of a forward order.

        ``kept``: they are not in a flat array, but in one of the grid's shape, in C order.
        """
        if self.turns:
            yield from self._turning(ranges, kept)
            return
        for start, stop in ranges:
            point = start
            for box in boxes(start, stop, self.shape):
                count = prod(n for n in box.count if n is not None)
                yield Piece(box, box if kept else Slab.box((point,), (count,)))
                point += count

    def _turning(self, ranges: Sequence[Range], kept: bool) -> Iterator[Piece]:
        """One piece for each place in a row, for even and for odd rows, and for each gap."""
        points = self.points()
        measured = np.zeros(self.shape, dtype=bool)
        for start, stop in ranges:
            measured |= (start <= points) & (points < stop)
        ones = (1,) * (len(self.shape) - 1)
        for parity, place in product(range(2), product(*map(range, self.shape[1:]))):
            column: Any = (slice(parity, None, 2), *place)
            for first, count in _runs(measured[column]):
                row = parity + 2 * first
                target = Slab((row, *place), (count, *ones), (2, *ones))
                point = int(points[(row, *place)])
                if kept:
                    at = tuple(int(i) for i in np.unravel_index(point, self.shape))
                    yield Piece(target, Slab(at, (count, *ones), (2, *ones)))
                else:
                    yield Piece(target, Slab((point,), (count,), (2 * self.row,)))


def _runs(flags: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(start, length) of the runs of true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield start, stop - start
