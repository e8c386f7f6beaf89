"""A motor that moves along a trajectory while it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .paced_node import DEFAULT_RATE_HZ
from .simulated_detector import SimulatedDetector
from .trajectory import Trajectory

__all__ = ["Motor"]


class Motor(SimulatedDetector):
    """Output ``position``, (points, 1): where its encoder sees it at each point.

    ``trajectory``: 'linear' or 'back-and-forth' of ``points`` positions from ``start`` to ``stop``, or 'list'
    of ``positions``. Without ``rate_hz`` it takes its longest step at ``velocity``, in ``units``/s; a
    ``rate_hz`` that needs a higher one is refused. ``noise`` is that of the encoder, in ``units``.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"position": {}}

    def _configure(
        self,
        *,
        trajectory: str = "linear",
        start: float = 0.0,
        stop: float = 1.0,
        points: int = 11,
        positions: Sequence[float] = (),
        velocity: float | None = None,
        rate_hz: float | None = None,
        npoints: int | None = None,
        noise: float = 0.0,
        seed: int = 0,
        units: str = "mm",
        block_points: int | None = None,
    ) -> None:
        self._trajectory = Trajectory.of(trajectory, start, stop, points, positions)
        self._set_pace(_rate_hz(self._trajectory, velocity, rate_hz, units), npoints, block_points)
        self._noise = noise
        self._simulate(self._positions, seed)
        info = [{"name": self.name or "position", "units": units}]
        self._set_output("position", shape=(-1, 1), dtype="<f8", units=units, channel_info=info)

    def _positions(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        seen = self._trajectory.at(points) + self._noise * random.standard_normal(len(points))
        return np.asarray(seen[:, None])


def _rate_hz(trajectory: Trajectory, velocity: float | None, rate_hz: float | None, units: str) -> float:
    if velocity is None:
        return DEFAULT_RATE_HZ if rate_hz is None else rate_hz
    if not velocity > 0:
        raise ValueError(f"velocity {velocity!r}: give a number of {units}/s above 0")
    step = trajectory.longest_step
    if rate_hz is None:
        return velocity / step if step else DEFAULT_RATE_HZ
    if rate_hz * step > velocity * (1 + 1e-9):
        raise ValueError(
            f"{rate_hz:g} Hz needs {rate_hz * step:g} {units}/s, the motor has {velocity:g}: "
            f"give a rate_hz of {velocity / step:g} or less"
        )
    return rate_hz
