"""Which points a dataset has."""

from __future__ import annotations

from bisect import bisect_left


class Coverage:
    """``points`` is the index behind the last one, ``gaps`` the ranges (start, stop) before it that lack."""

    __slots__ = ("gaps", "points")

    def __init__(self, points: int = 0, gaps: list[tuple[int, int]] | None = None) -> None:
        self.points = points
        self.gaps: list[tuple[int, int]] = gaps or []

    def copy(self) -> Coverage:
        return Coverage(self.points, list(self.gaps))

    def missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The parts of [start, stop) that are not there yet, in order."""
        if start >= stop:
            return []
        parts = [(max(start, low), min(stop, high)) for low, high in self.gaps if low < stop and high > start]
        if stop > self.points:
            parts.append((max(start, self.points), stop))
        return parts

    def add(self, start: int, stop: int) -> None:
        """The points [start, stop) are there now: a gap opens before them, or one shrinks."""
        if start >= stop:
            return
        if start > self.points:
            self.gaps.append((self.points, start))
        elif start < self.points and self.gaps:
            self._fill(start, stop)
        self.points = max(self.points, stop)

    def _fill(self, start: int, stop: int) -> None:
        first = bisect_left(self.gaps, start, key=lambda gap: gap[1])
        left: list[tuple[int, int]] = []
        last = first
        while last < len(self.gaps) and self.gaps[last][0] < stop:
            low, high = self.gaps[last]
            if low < start:
                left.append((low, start))
            if stop < high:
                left.append((stop, high))
            last += 1
        self.gaps[first:last] = [gap for gap in left if gap[0] < gap[1]]
