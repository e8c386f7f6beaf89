"""Counters: numbers that wander around a level, with noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .paced_node import DEFAULT_RATE_HZ
from .simulated_detector import SimulatedDetector

__all__ = ["CounterDetector"]

PERIOD_POINTS = 1000


class CounterDetector(SimulatedDetector):
    """Output ``counts``, (points, channels).

    ``channels`` is their number, or their names. They swing by a half of ``level`` around it, once in 1,000
    points; ``noise`` 1.0 is that of counting, 0.0 is none.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"counts": {}}

    def _configure(
        self,
        *,
        channels: int | Sequence[str] = 1,
        rate_hz: float = DEFAULT_RATE_HZ,
        npoints: int | None = None,
        level: float = 1000.0,
        noise: float = 1.0,
        seed: int = 0,
        units: str = "",
        dtype: str = "float64",
        block_points: int | None = None,
    ) -> None:
        if isinstance(channels, str):
            raise ValueError(f"channels {channels!r}: give their number, or a list of names")
        self._set_pace(rate_hz, npoints, block_points)
        names = [f"channel{n}" for n in range(channels)] if isinstance(channels, int) else list(channels)
        if not names:
            raise ValueError("a counter without channels: give one or more")
        self._shape, self._dtype = (len(names),), np.dtype(dtype)
        self._level, self._noise = level, noise
        self._simulate(self._counts, seed)
        self._set_output(
            "counts",
            shape=(-1, len(names)),
            dtype=self._dtype.str,
            units=units,
            channel_info=[{"name": name, "units": units} for name in names],
        )

    def _counts(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        phase = points[:, None] / PERIOD_POINTS + np.arange(self._shape[0]) / self._shape[0]
        level = self._level * (1 + 0.5 * np.sin(2 * np.pi * phase))
        sigma = self._noise * np.sqrt(np.abs(level))
        values = level + sigma * random.standard_normal(level.shape)
        return (np.rint(values) if self._dtype.kind in "iu" else values).astype(self._dtype)
