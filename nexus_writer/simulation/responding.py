"""Detectors that look at a sample: what they see depends on where the motors of the scan are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from nexus_writer.acquisition.detectors import SimulatedDetector

from .trajectories import Places

__all__ = ["RespondingCounter", "RespondingSpectrum", "Seen"]

LINE_WIDTH_EV = 65.0
BLOCK_POINTS = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """What a channel sees: see ``Response`` of the settings."""

    level: float
    noise: float = 1.0
    units: str = ""
    peak: float = 0.0
    at: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    shape: Literal["gaussian", "lorentzian"] = "gaussian"
    drift_per_s: float = 0.0


class RespondingCounter(SimulatedDetector):
    """Output ``counts``, (points, channels), float64."""

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"counts": {}}

    def _configure(
        self,
        *,
        channels: Mapping[str, Seen],
        places: Places,
        rate_hz: float = 10.0,
        npoints: int | None = None,
        seed: int = 0,
        block_points: int | None = None,
    ) -> None:
        self._set_pace(rate_hz, npoints, block_points)
        self._channels, self._places = channels, places
        self._simulate(self._counts, seed)
        info = [{"name": name, "units": seen.units} for name, seen in channels.items()]
        self._set_output("counts", shape=(-1, len(channels)), dtype="<f8", channel_info=info)

    def _counts(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        return np.stack([self._of(seen, points, random) for seen in self._channels.values()], axis=1)

    def _of(self, seen: Seen, points: NDArray[np.int64], random: Generator) -> NDArray[np.float64]:
        response = self._places.response(seen.at, points, seen.shape) if seen.peak else 0.0
        level = seen.level + seen.drift_per_s * points / self.rate_hz + seen.peak * response
        noise = random.standard_normal(len(points))
        return np.asarray(level + seen.noise * np.sqrt(np.abs(level)) * noise)


class RespondingSpectrum(SimulatedDetector):
    """Output ``spectra``, (points, 1, bins), uint32: ``lines`` are (eV, counts) at their tops."""

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"spectra": {}}

    def _configure(
        self,
        *,
        bins: int,
        ev_per_bin: float,
        lines: Sequence[tuple[float, float]],
        responding: Sequence[tuple[float, float]],
        at: Mapping[str, tuple[float, float]],
        places: Places,
        rate_hz: float = 10.0,
        npoints: int | None = None,
        seed: int = 0,
        block_points: int | None = None,
    ) -> None:
        self._set_pace(rate_hz, npoints, block_points)
        energy_ev: NDArray[np.float64] = np.arange(bins, dtype=np.float64) * ev_per_bin
        self._steady = 2.0 + 6.0 * np.exp(-energy_ev / 3000) + _lines(energy_ev, lines)
        self._responding, self._at, self._places = _lines(energy_ev, responding), at, places
        self._simulate(self._spectra, seed, BLOCK_POINTS)
        info = [{"name": "spectrum_det0"}]
        self._set_output("spectra", shape=(-1, 1, bins), dtype="<u4", channel_info=info)

    def _spectra(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        response = self._places.response(self._at, points)[:, None]
        return random.poisson(self._steady + response * self._responding).astype(np.uint32)[:, None]


def _lines(energy_ev: NDArray[np.float64], lines: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    made = np.zeros_like(energy_ev)
    for line_ev, counts in lines:
        made += counts * np.exp(-0.5 * ((energy_ev - line_ev) / LINE_WIDTH_EV) ** 2)
    return made
