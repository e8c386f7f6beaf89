"""Fluorescence spectra: peaks on a background, counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .simulated import generator

__all__ = ["STATISTICS", "Peaks"]

STATISTICS = {
    "realtime": "s",
    "trigger_livetime": "s",
    "energy_livetime": "s",
    "triggers": "",
    "events": "",
    "icr": "Hz",
    "ocr": "Hz",
    "deadtime": "",
}
"""Of each element, with their units; the deadtime is a fraction of the realtime."""
SHAPING_S = 1e-6
"""An event keeps an element busy for so long."""
POOL = 32
GROWING_POINTS = 1024


class Peaks:
    """Spectra of ``elements`` detector elements with ``bins`` bins, about ``counts`` counts in each.

    A spectrum is the sum of two from pools of 32 that were counted beforehand. The sum of two Poisson numbers
    is one, so the noise is right, and a point costs one addition: 32 x 32 spectra for each element. The bin
    in the middle grows by one count with each point, from 0 again after 1,024: neighbours always differ.
    """

    def __init__(self, elements: int, bins: int, counts: float, noise: bool, seed: int) -> None:
        self._pools = []
        shape = _expected(elements, bins, counts / 2)
        for number in range(2):
            counted = generator(seed, 1, number).poisson(shape, (POOL, elements, bins)) if noise else None
            pool = np.broadcast_to(np.rint(shape), (POOL, elements, bins)) if counted is None else counted
            self._pools.append(pool.astype(np.uint32))
        self._elements = np.arange(elements)

    def spectra(self, points: NDArray[np.int64], random: Generator) -> NDArray[Any]:
        """(n, elements, bins), uint32."""
        first, second = random.integers(0, POOL, (2, len(points), len(self._elements)))
        counted = self._pools[0][first, self._elements], self._pools[1][second, self._elements]
        made = np.add(*counted)
        made[:, :, made.shape[2] // 2] += (points % GROWING_POINTS)[:, None].astype(np.uint32)
        return np.asarray(made)

    def statistics(self, spectra: NDArray[Any], time_s: float) -> NDArray[np.float64]:
        """(n, elements, 8), see STATISTICS, of spectra that were counted for ``time_s`` each."""
        events = spectra.sum(axis=2).astype(np.float64)
        dead = np.minimum(events * SHAPING_S / time_s, 0.99)
        live_s = time_s * (1 - dead)
        real_s = np.full_like(events, time_s)
        in_rate, out_rate = events / live_s, events / time_s
        triggers = np.rint(in_rate * time_s)
        return np.stack([real_s, live_s, live_s, triggers, events, in_rate, out_rate, dead], axis=2)


def _expected(elements: int, bins: int, counts: float) -> NDArray[np.float64]:
    """Counts of each bin: four peaks, as high as is usual for their lines, and a background that falls."""
    at = np.arange(bins)
    width = max(bins / 100, 0.5)
    form = 0.02 * np.exp(-2 * at / bins)
    for place, height in ((0.2, 0.3), (0.35, 1.0), (0.4, 0.15), (0.7, 0.5)):
        form = form + height * np.exp(-0.5 * ((at - place * bins) / width) ** 2)
    efficiency = 1 - 0.05 * np.arange(elements) / max(elements, 1)
    return np.asarray(counts * efficiency[:, None] * form / form.sum())
