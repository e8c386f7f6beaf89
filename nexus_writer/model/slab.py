"""Parts of arrays, and which part of one array shows in which part of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Slab:
    """``count`` elements in each dimension from ``start`` on, every ``stride``-th.

    A count of None, in the first dimension only, has no end: the slab grows with its array.
    """

    start: tuple[int, ...]
    count: tuple[int | None, ...]
    stride: tuple[int, ...]

    @classmethod
    def box(cls, start: Sequence[int], count: Sequence[int]) -> Slab:
        """Without holes."""
        return cls(tuple(start), tuple(count), (1,) * len(tuple(start)))


@dataclass(frozen=True, slots=True)
class Piece:
    """The elements of ``target`` are those of ``source``, each in the order of its array (last dimension
    first)."""

    target: Slab
    source: Slab

    def swapped(self) -> Piece:
        return Piece(self.source, self.target)


def boxes(start: int, stop: int, shape: tuple[int, ...]) -> Iterator[Slab]:
    """The elements [start, stop) of an array of ``shape``, counted in C order, as boxes in that order.

    There may be more elements than the shape has: its first dimension has no end.
    """
    if start >= stop:
        return
    if len(shape) == 1:
        yield Slab.box((start,), (stop - start,))
        return
    inner = prod(shape[1:])
    first, head = divmod(start, inner)
    last, tail = divmod(stop, inner)
    if first == last:
        yield from _within(first, head, tail, shape)
        return
    if head:
        yield from _within(first, head, inner, shape)
        first += 1
    if first < last:
        yield Slab.box((first, *(0,) * (len(shape) - 1)), (last - first, *shape[1:]))
    yield from _within(last, 0, tail, shape)


def _within(row: int, start: int, stop: int, shape: tuple[int, ...]) -> Iterator[Slab]:
    for box in boxes(start, stop, shape[1:]):
        yield Slab((row, *box.start), (1, *box.count), (1, *box.stride))
