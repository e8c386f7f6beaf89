"""Memory of chunks that nobody holds any more, for the next ones.

A fresh array costs a page fault for each 4 kB of it: a chunk of 64 kB takes 22 us to copy instead of 6.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpareArrays"]

KEPT = 4


class SpareArrays:
    """Arrays of samples of one shape and dtype. One thread uses it at a time.

    An array is used again when no view of it is left anywhere: each of them holds the array, and is counted.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._shape = shape
        self._dtype = dtype
        self._arrays: list[NDArray[Any]] = [np.empty((0, *shape), dtype)]
        self._unused = self._references(0)

    def take(self, count: int) -> NDArray[Any]:
        """An array of ``count`` samples, whatever they are; it belongs to the caller."""
        for number in range(len(self._arrays)):
            if self._references(number) == self._unused:
                if len(self._arrays[number]) < count:
                    self._arrays[number] = self._made(count)
                return self._arrays[number][:count]
        made = self._made(count)
        if len(self._arrays) < KEPT:
            self._arrays.append(made)
        return made[:count]

    def _references(self, number: int) -> int:
        return sys.getrefcount(self._arrays[number])

    def _made(self, count: int) -> NDArray[Any]:
        return np.empty((count, *self._shape), self._dtype)
