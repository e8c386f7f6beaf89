"""Pages of a file that nothing in it leads to: what is written there does no harm before its commit."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator


class FreePages:
    """Numbers of pages, kept as ranges that neither meet nor overlap: memory grows with the ranges."""

    __slots__ = ("_starts", "_stops")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._starts)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """The ranges (start, stop), in order."""
        return zip(self._starts, self._stops, strict=True)

    def add(self, start: int, stop: int) -> None:
        """The pages [start, stop); none where that is empty."""
        if start >= stop:
            return
        first, last = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if first < last:
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        self._starts[first:last], self._stops[first:last] = [start], [stop]

    def take(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Those of the pages [start, stop) that are here, as ranges; they are not here any more."""
        first, last = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        if first >= last:
            return []
        ranges = list(zip(self._starts[first:last], self._stops[first:last], strict=True))
        del self._starts[first:last], self._stops[first:last]
        self.add(ranges[0][0], start)
        self.add(stop, ranges[-1][1])
        return [(max(low, start), min(high, stop)) for low, high in ranges]
