"""A motor on the path of a scan. Its positions are computed when they are due: any mesh fits into memory."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nexus_writer.acquisition.detectors import SimulatedDetector

from .trajectories import Path

__all__ = ["PathMotor"]


class PathMotor(SimulatedDetector):
    """Output ``position``, (points, 1), float64."""

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"position": {}}

    def _configure(self, *, path: Path, rate_hz: float, npoints: int, units: str) -> None:
        self._set_pace(rate_hz, npoints, None)
        self._path = path
        self._simulate(self._positions)
        info = [{"name": self.name, "units": units}]
        self._set_output("position", shape=(-1, 1), dtype="<f8", units=units, channel_info=info)

    def _positions(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        return self._path.at(points)[:, None]
