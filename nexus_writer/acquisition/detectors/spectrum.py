"""A fluorescence detector of several elements: spectra, and how busy each element was."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .paced_node import DEFAULT_RATE_HZ
from .peaks import STATISTICS, Peaks
from .simulated_detector import SimulatedDetector

__all__ = ["SpectrumDetector"]

BLOCK_POINTS = 16


class SpectrumDetector(SimulatedDetector):
    """Outputs ``spectra``, (points, elements, bins), and ``statistics``, (points, elements x 8).

    About ``counts`` counts in a spectrum, with the noise of counting unless ``noise`` is False. The names of
    the channels are those of BLISS: spectrum_det0, realtime_det0, icr_det0 ...
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"spectra": {}, "statistics": {}}

    def _configure(
        self,
        *,
        elements: int = 1,
        bins: int = 1024,
        rate_hz: float = DEFAULT_RATE_HZ,
        npoints: int | None = None,
        counts: float = 10_000.0,
        noise: bool = True,
        seed: int = 0,
        units: str = "",
        block_points: int | None = None,
    ) -> None:
        self._set_pace(rate_hz, npoints, block_points)
        if elements < 1 or bins < 1:
            raise ValueError(f"{elements} elements with {bins} bins: give 1 or more of each")
        self._peaks = Peaks(elements, bins, counts, noise, seed)
        self._simulate(self._peaks.spectra, seed, BLOCK_POINTS)
        numbers = range(elements)
        spectra = [{"name": f"spectrum_det{n}", "units": units} for n in numbers]
        statistics = [
            {"name": f"{name}_det{n}", "units": unit} for n in numbers for name, unit in STATISTICS.items()
        ]
        shape = (-1, elements, bins)
        self._set_output("spectra", shape=shape, dtype="<u4", units=units, channel_info=spectra)
        self._set_output("statistics", shape=(-1, len(statistics)), dtype="<f8", channel_info=statistics)

    def expected(self, start: int, stop: int, output: str | None = None) -> NDArray[Any]:
        spectra = super().expected(start, stop, output)
        return self._statistics(spectra) if output == "statistics" else spectra

    def _send_points(self, start: int, stop: int) -> None:
        spectra = self._simulated.values(start, stop)
        self._send(self.outputs["spectra"], spectra, stop)
        self._send(self.outputs["statistics"], self._statistics(spectra), stop)

    def _statistics(self, spectra: NDArray[Any]) -> NDArray[np.float64]:
        found = self._peaks.statistics(spectra, 1 / self.rate_hz)
        return found.reshape(len(spectra), -1)
