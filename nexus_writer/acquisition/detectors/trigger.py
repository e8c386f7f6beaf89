"""A clock in software: it says when, and so paces all detectors that are connected to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from .paced_node import DEFAULT_RATE_HZ, PacedNode

__all__ = ["TRIGGERS", "TriggerNode"]

TRIGGERS: dict[str, Any] = {"dtype": "float64", "shape": (-1,)}
"""What a stream of triggers is: the time of each, in seconds since 1970."""


class TriggerNode(PacedNode):
    """Output ``triggers``: trigger i is for point i of every detector.

    ``npoints`` triggers, ``rate_hz`` of them each second; with ``on_demand`` when ``fire`` asks for them. A
    detector gets the triggers that come after it was connected, so start the trigger last.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"triggers": TRIGGERS}

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self._asked = 0
        self._fired = threading.Condition()
        self._on_demand = False

    def _configure(
        self,
        *,
        rate_hz: float = DEFAULT_RATE_HZ,
        npoints: int | None = None,
        on_demand: bool = False,
        block_points: int | None = None,
    ) -> None:
        self._set_pace(rate_hz, npoints, block_points)
        self._on_demand = on_demand
        self._set_output("triggers", **TRIGGERS, streamtype="event", units="s")

    def fire(self, count: int = 1) -> None:
        """So many triggers now, at once. For any thread; returns before they are sent."""
        with self._fired:
            self._asked += count
            self._fired.notify()

    def _start(self) -> None:
        self._asked = 0
        super()._start()

    def _due(self) -> Iterator[tuple[int, Any]]:
        return self._demanded() if self._on_demand else super()._due()

    def _demanded(self) -> Iterator[tuple[int, Any]]:
        while not self.stopping():
            with self._fired:
                self._fired.wait_for(lambda: self._asked > self._sent, 0.05)
                asked = self._asked
            if asked > self._sent:
                yield asked, None

    def _late_of(self, clock: Any, start: int, stop: int) -> int:
        return 0 if clock is None else super()._late_of(clock, start, stop)

    def _send_points(self, start: int, stop: int) -> None:
        self._send(self.output, np.full(stop - start, time.time()), stop)
