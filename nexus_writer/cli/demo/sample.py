"""The sample of the demo, the motors that move it and the detectors that look at it.

A round grain of iron lies in a matrix. ``samx`` and ``samy`` move it through the beam, a fluorescence
detector sees the iron, a diode the absorption, and ``th`` rocks it through a reflection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nexus_writer.data.publishing import Position

SPECTRUM_BINS = 1024
EV_PER_BIN = 10.0
IRON_KA_EV, IRON_KB_EV, SCATTER_EV = 6404.0, 7058.0, 9200.0
GRAIN_X_MM, GRAIN_Y_MM, GRAIN_RADIUS_MM = 0.35, 0.10, 0.18


@dataclass
class Motor:
    """A motor whose dial is ``offset`` away from what users see."""

    user: float
    unit: str
    offset: float = 0.0

    def position(self) -> Position:
        return Position(self.user, self.user - self.offset, self.unit)


@dataclass
class Beamline:
    """Motors, and what detectors see where they stand. Noise is the same in every run."""

    motors: dict[str, Motor] = field(
        default_factory=lambda: {
            "samx": Motor(0.0, "mm", offset=2.5),
            "samy": Motor(0.1, "mm"),
            "th": Motor(12.0, "deg", offset=-0.25),
            "energy": Motor(10.0, "keV"),
            "slit_gap": Motor(0.05, "mm"),
        }
    )
    noise: np.random.Generator = field(default_factory=lambda: np.random.default_rng(2026))

    def positions(self) -> dict[str, Position]:
        return {name: motor.position() for name, motor in self.motors.items()}

    def move(self, name: str, user: float) -> float:
        self.motors[name].user = float(user)
        return float(user)

    def i0(self) -> float:
        """Incoming photons in counts; the ring's current drops slowly."""
        return float(self.noise.poisson(1.0e5))

    def grain(self) -> float:
        """How much of the grain is in the beam, 0 to 1."""
        dx = self.motors["samx"].user - GRAIN_X_MM
        dy = self.motors["samy"].user - GRAIN_Y_MM
        return float(np.exp(-(dx**2 + dy**2) / (2 * GRAIN_RADIUS_MM**2)))

    def transmission(self) -> float:
        """Current of the diode behind the sample, in uA."""
        return float((1.0 - 0.4 * self.grain()) * self.noise.normal(5.0, 0.02))

    def fluorescence(self) -> float:
        return float(self.noise.poisson(40 + 5000 * self.grain()))

    def reflection(self) -> float:
        angle = (self.motors["th"].user - 12.13) / 0.045
        return float(self.noise.poisson(15 + 2400 / (1 + angle**2)))

    def spectrum(self) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Counts of (SPECTRUM_BINS,) bins of EV_PER_BIN: iron's lines, scattered beam, background."""
        energy_ev = np.arange(SPECTRUM_BINS) * EV_PER_BIN
        expected = 2.0 + 6.0 * np.exp(-energy_ev / 3000)
        for line_ev, counts in (
            (IRON_KA_EV, 900 * self.grain()),
            (IRON_KB_EV, 140 * self.grain()),
            (SCATTER_EV, 120),
        ):
            expected += counts * np.exp(-((energy_ev - line_ev) ** 2) / (2 * 65.0**2))
        return self.noise.poisson(expected).astype(np.uint32)
