"""Simulated values, found by their index alone: the same seed gives the same values, however they are cut.

They are made in blocks, each with a random generator of its own, that of (seed, number of the block). So the
values 5,000 to 5,100 are known without those before them, and a test computes in any process what a detector
has sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator, Philox
from numpy.typing import NDArray

__all__ = ["BLOCK_POINTS", "Make", "Simulated", "generator"]

BLOCK_POINTS = 256

Make = Callable[[NDArray[np.int64], Generator], NDArray[Any]]


def generator(seed: int, *what: int) -> Generator:
    """The random numbers of one thing of a detector: of a block of points, of a pool of noise."""
    return Generator(Philox(np.random.SeedSequence([seed, *what])))


class Simulated:
    """``make`` gives the values of consecutive points, (n,) + shape, with the numbers of a generator.

    One thread asks at a time.
    """

    def __init__(self, make: Make, seed: int, block_points: int = BLOCK_POINTS) -> None:
        self._make = make
        self._seed = seed
        self._block_points = block_points
        self._number = -1
        self._block: NDArray[Any] = np.empty(0)

    def values(self, start: int, stop: int) -> NDArray[Any]:
        """The points ``start`` to ``stop`` (not included), to be read only. ValueError for none."""
        if not 0 <= start < stop:
            raise ValueError(f"points {start} to {stop}: give 0 <= start < stop")
        size = self._block_points
        parts = [
            self._of(number)[max(0, start - number * size) : stop - number * size]
            for number in range(start // size, (stop - 1) // size + 1)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _of(self, number: int) -> NDArray[Any]:
        if number != self._number:
            first = number * self._block_points
            points = np.arange(first, first + self._block_points)
            block = self._make(points, generator(self._seed, number))
            block.flags.writeable = False
            self._number, self._block = number, block
        return self._block
