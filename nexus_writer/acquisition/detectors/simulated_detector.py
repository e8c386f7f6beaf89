"""A detector with one output, whose values are found by their index alone."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from .detector import Detector
from .simulated import BLOCK_POINTS, Make, Simulated

__all__ = ["SimulatedDetector"]


class SimulatedDetector(Detector):
    """Subclass it: ``_configure`` calls ``_simulate``, as :class:`.Simulated` is made."""

    def _simulate(self, make: Make, seed: int = 0, block_points: int = BLOCK_POINTS) -> None:
        self._how = make, seed, block_points
        self._simulated = Simulated(*self._how)

    def expected(self, start: int, stop: int, output: str | None = None) -> NDArray[Any]:
        return Simulated(*self._how).values(start, stop)

    def _send_points(self, start: int, stop: int) -> None:
        self._send(self.output, self._simulated.values(start, stop), stop)
