"""Where the places of a grid are along one of its axes, from what was measured and what was announced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block, ScanAxis

Positions = npt.NDArray[np.float64]


class GridAxis:
    """The positions of one motor of a mesh, gathered while it moves: not all of them, but by place and
    direction the first one, and the sum of how far the others are from it. So a place that is reached again
    and again is exactly where it was measured to be.

    ``length`` is the number of places along the axis, ``step`` the number of points between two of them (1
    for the fast axis). ``announced`` says where the motor is to go, None when nobody says so. The slow axis
    (``slow``) has one pass and may get longer.
    """

    def __init__(self, length: int, step: int, announced: ScanAxis | None, *, slow: bool = False) -> None:
        self._length = length
        self._step = step
        self._slow = slow
        self._announced = announced
        self._firsts = np.full((2, length), np.nan)
        self._sums = np.zeros((2, length))
        self._counts = np.zeros((2, length), dtype=np.int64)
        self._first_of_second_pass = np.nan
        self._seen = 0

    @property
    def length(self) -> int:
        return self._length

    def add(self, blocks: Sequence[Block]) -> None:
        """Take points as they come; those that came before count once."""
        for block in blocks:
            start = max(block.start, self._seen)
            values = block.values[start - block.start :]
            if len(values) and values.dtype.kind in "biuf" and values.ndim == 1:
                self._add(start, values.astype(np.float64))
                self._seen = start + len(values)

    def lengthen(self, length: int) -> None:
        """The slow axis has more places than announced."""
        more = length - self._length
        if more > 0:
            self._firsts = np.pad(self._firsts, ((0, 0), (0, more)), constant_values=np.nan)
            self._sums = np.pad(self._sums, ((0, 0), (0, more)))
            self._counts = np.pad(self._counts, ((0, 0), (0, more)))
            self._length = length

    @property
    def back_and_forth(self) -> bool:
        """Whether every second pass goes backwards: as measured, before the second pass as announced."""
        if self._slow or self._length < 2:
            return False
        first, last = self._firsts[0][[0, -1]]
        place = self._first_of_second_pass
        to_first, to_last = abs(place - first), abs(place - last)
        if np.isfinite(to_first) and np.isfinite(to_last) and to_first != to_last:
            return bool(to_last < to_first)
        return self._announced is not None and self._announced.back_and_forth

    def positions(self) -> Positions:
        """One for each place: the mean of what was measured there.

        A place that was not reached yet is where it was announced to be, seen from the nearest one that was
        reached, or as far on as those are from each other. If jitter puts places in the wrong order, they
        are where they were announced, or on a straight line, instead.
        """
        places = np.arange(self._length, dtype=np.float64)
        means = self._means()
        reached = np.flatnonzero(np.isfinite(means))
        expected = self._expected()
        if not len(reached):
            return places if expected is None else expected
        if expected is None:
            slope = _slope(reached, means[reached])
            expected = means[reached[0]] + slope * (places - reached[0])
        nearest = _nearest(reached, places)
        positions = means[nearest] + (expected - expected[nearest])
        if _is_monotonic(positions) or not _is_monotonic(expected):
            return positions
        return np.asarray(expected + np.median(means[reached] - expected[reached]))

    def _add(self, start: int, values: Positions) -> None:
        point = np.arange(start, start + len(values))
        place = point // self._step
        odd = np.zeros(len(values), dtype=np.int64)
        if self._slow:
            self.lengthen(int(place[-1]) + 1)
        else:
            odd = place // self._length % 2
            second = self._length * self._step - start
            if 0 <= second < len(values):
                self._first_of_second_pass = float(values[second])
            place = place % self._length
        finite = np.isfinite(values)
        bins, values = (odd * self._length + place)[finite], values[finite]
        reached, first = np.unique(bins, return_index=True)
        new = np.isnan(self._firsts.flat[reached])
        self._firsts.flat[reached[new]] = values[first[new]]
        size = 2 * self._length
        away = values - self._firsts.flat[bins]
        self._sums += np.bincount(bins, away, size).reshape(2, -1)
        self._counts += np.bincount(bins, minlength=size).reshape(2, -1)

    def _means(self) -> Positions:
        """By place, of both directions; NaN where nothing was measured."""
        backwards = slice(None, None, -1 if self.back_and_forth else 1)
        other, other_sums, other_counts = (
            values[1][backwards] for values in (self._firsts, self._sums, self._counts)
        )
        first = np.where(self._counts[0] > 0, self._firsts[0], other)
        away = self._sums[0] + other_sums + np.where(other_counts > 0, other_counts * (other - first), 0)
        counts = self._counts[0] + other_counts
        np.divide(away, counts, out=away, where=counts > 0)
        return np.asarray(first + away, dtype=np.float64)

    def _expected(self) -> Positions | None:
        axis = self._announced
        if axis is None or axis.start == axis.stop or axis.points not in (0, self._length):
            return None
        return np.linspace(axis.start, axis.stop, self._length)


def _nearest(reached: npt.NDArray[np.int64], places: Positions) -> npt.NDArray[np.int64]:
    """Of the places that were reached the one next to each place; ``reached`` is sorted."""
    above = np.searchsorted(reached, places).clip(1, max(1, len(reached) - 1))
    if len(reached) == 1:
        return np.broadcast_to(reached, places.shape)
    low, high = reached[above - 1], reached[above]
    return np.asarray(np.where(places - low <= high - places, low, high), dtype=np.int64)


def _slope(places: npt.NDArray[np.int64], positions: Positions) -> float:
    """The distance between neighbours; 1 where only one place is known."""
    if len(places) < 2:
        return 1.0
    return float((positions[-1] - positions[0]) / (places[-1] - places[0]))


def _is_monotonic(positions: Positions) -> bool:
    steps = np.diff(positions)
    return bool(np.all(steps > 0) or np.all(steps < 0))
