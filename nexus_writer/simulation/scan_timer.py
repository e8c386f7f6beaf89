"""The timer of a scan: when each point was begun."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nexus_writer.acquisition.detectors import Detector

__all__ = ["ScanTimer"]

INFO = [{"name": "elapsed_time", "units": "s"}, {"name": "epoch", "units": "s"}]


class ScanTimer(Detector):
    """Output ``times``, (points, 2): seconds since the start, and since 1970."""

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"times": {}}

    def _configure(self, *, rate_hz: float, npoints: int | None = None) -> None:
        self._set_pace(rate_hz, npoints, None)
        self._started_s = 0.0
        self._set_output("times", shape=(-1, 2), dtype="<f8", channel_info=INFO)

    def expected(self, start: int, stop: int, output: str | None = None) -> NDArray[Any]:
        elapsed_s = np.arange(start, stop) / self.rate_hz
        return np.stack([elapsed_s, self._started_s + elapsed_s], axis=1)

    def _start(self) -> None:
        self._started_s = time.time()
        super()._start()

    def _send_points(self, start: int, stop: int) -> None:
        self._send(self.output, self.expected(start, stop), stop)
