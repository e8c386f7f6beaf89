"""Where the motors of a scan are at each point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Path", "Places"]


@dataclass(frozen=True, slots=True)
class Path:
    """``points`` positions from ``start`` to ``stop``, both included, each for ``hold`` points. Behind the
    last they begin anew."""

    start: float
    stop: float
    points: int
    hold: int = 1

    def at(self, points: NDArray[np.int64]) -> NDArray[np.float64]:
        step = (self.stop - self.start) / max(1, self.points - 1)
        return np.asarray(self.start + points // self.hold % self.points * step)

    def end(self, npoints: int) -> float:
        """Where it is at the last of so many points."""
        return float(self.at(np.array([npoints - 1]))[0])


@dataclass(frozen=True, slots=True)
class Places:
    """All motors in a scan: those that ``move``, and the positions of those that do not."""

    still: Mapping[str, float] = field(default_factory=dict)
    moving: Mapping[str, Path] = field(default_factory=dict)

    def response(
        self,
        at: Mapping[str, tuple[float, float]],
        points: NDArray[np.int64],
        shape: Literal["gaussian", "lorentzian"] = "gaussian",
    ) -> NDArray[np.float64]:
        """1 where each motor of ``at`` is at its centre, less by how many of its widths it is away."""
        made = np.ones(len(points))
        for motor, (centre, width) in at.items():
            place: Any = self.moving[motor].at(points) if motor in self.moving else self.still[motor]
            away = (place - centre) / width
            made *= np.exp(-0.5 * away**2) if shape == "gaussian" else 1 / (1 + away**2)
        return made
