"""Images of a beam that wanders, with noise, and the number of each in its first four pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .simulated import generator

__all__ = ["Frames"]

POOL = 6
BACKGROUND = 20.0
BEAM = 80
BEAM_WIDTH = 0.05


class Frames:
    """Frames of (rows, columns). A frame costs two passes over its memory: noise is counted beforehand.

    The first four pixels of the first row hold the four bytes of the frame's number, the lowest one first.
    """

    def __init__(self, shape: tuple[int, int], dtype: Any, noise: bool, seed: int) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        if self.dtype.kind not in "iuf" or shape[1] < 4 or shape[0] < 1:
            raise ValueError(f"frames of {shape} {self.dtype}: give numbers, and 4 columns or more")
        mean = np.full(shape, BACKGROUND / 2)
        self._pools = [
            [
                (generator(seed, 1, k, n).poisson(mean) if noise else mean).astype(self.dtype)
                for n in range(POOL)
            ]
            for k in range(2)
        ]
        self._beam = _beam(shape, self.dtype)

    def make(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        """(n, rows, columns)."""
        made = np.empty((len(points), *self.shape), self.dtype)
        for frame, number, picked in zip(
            made, points, random.integers(0, POOL, (len(points), 2)), strict=True
        ):
            np.add(self._pools[0][picked[0]], self._pools[1][picked[1]], out=frame)
            self._shine(frame, int(number))
            frame[0, :4] = np.frombuffer(int(number).to_bytes(4, "little"), np.uint8)
        return made

    def _shine(self, frame: NDArray[Any], number: int) -> None:
        height, width = self._beam.shape
        row = round((self.shape[0] - height) * (0.5 + 0.4 * np.sin(0.1 * number)))
        column = round((self.shape[1] - width) * (0.5 + 0.4 * np.cos(0.07 * number)))
        frame[row : row + height, column : column + width] += self._beam


def _beam(shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    sides = [min(n, 2 * int(3 * BEAM_WIDTH * max(shape)) + 1) for n in shape]
    rows, columns = (np.arange(n) - (n - 1) / 2 for n in sides)
    distance = (rows[:, None] ** 2 + columns[None] ** 2) / (BEAM_WIDTH * max(shape)) ** 2
    return np.asarray(BEAM * np.exp(-0.5 * distance)).astype(dtype)
