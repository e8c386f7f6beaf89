"""Where a motor is at each point: along a line, back and forth, or at positions of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TRAJECTORIES", "Trajectory"]

TRAJECTORIES = ("linear", "back-and-forth", "list")


@dataclass(frozen=True, slots=True)
class Trajectory:
    """``positions`` of one pass. ``turns``: the next pass goes back over them; else it begins anew.

    A line that goes back and forth does not stay at its ends: 0 1 2 1 0 1 2 for three positions.
    """

    positions: NDArray[np.float64]
    turns: bool = False

    @classmethod
    def of(
        cls,
        kind: str,
        start: float = 0.0,
        stop: float = 1.0,
        points: int = 11,
        positions: Sequence[float] = (),
    ) -> Trajectory:
        """By its name: ``points`` equal steps from ``start`` to ``stop``, both included; or ``positions``."""
        if kind not in TRAJECTORIES:
            raise ValueError(f"unknown trajectory {kind!r}: use one of {', '.join(TRAJECTORIES)}")
        if kind == "list":
            if not len(positions):
                raise ValueError("the trajectory 'list' needs positions, a list of one number or more")
            return cls(np.array(positions, np.float64))
        if points < 2:
            raise ValueError(f"a trajectory of {points} points: give 2 or more")
        return cls(np.linspace(start, stop, points), kind == "back-and-forth")

    def at(self, points: NDArray[np.int64]) -> NDArray[np.float64]:
        """The positions of the points of these numbers; they go on after the last position."""
        last = len(self.positions) - 1
        if not self.turns or not last:
            return self.positions[points % len(self.positions)]
        return self.positions[last - abs(points % (2 * last) - last)]

    @property
    def longest_step(self) -> float:
        """Between points of one pass, in units of the motor; 0.0 for a single position."""
        return float(np.max(np.abs(np.diff(self.positions)), initial=0.0))
