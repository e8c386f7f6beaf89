"""What all simulated detectors share: a trigger that may pace them, and values that can be computed again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import StreamError
from .paced_node import LATE_AFTER_S, PacedNode
from .trigger import TRIGGERS

__all__ = ["Detector"]


class Detector(PacedNode):
    """Point i of a stream is point i of the scan. Subclasses say what its values are.

    With its input ``trigger`` connected to a TriggerNode it measures when that says so, and ``rate_hz`` is
    only what its streams claim; so point i of all detectors of a trigger belongs together.
    """

    _input_specs: ClassVar[dict[str, dict[str, Any]]] = {"trigger": TRIGGERS}

    def expected(self, start: int, stop: int, output: str | None = None) -> NDArray[Any]:
        """What the points ``start`` to ``stop`` (not included) of an output are, bit for bit.

        For any thread, and for any node that was configured in the same way, in any process; by default of
        the first output.
        """
        raise NotImplementedError

    def _due(self) -> Iterator[tuple[int, Any]]:
        trigger = self.inputs["trigger"]
        return self._triggered() if trigger.connected else super()._due()

    def _start(self) -> None:
        if self.inputs["trigger"].connected:
            self.inputs["trigger"].empty_queue()  # triggers of an earlier start
        super()._start()

    def _triggered(self) -> Iterator[tuple[int, Any]]:
        for index, times in self.chunks(self.inputs["trigger"]):
            if index - len(times) < self._sent:
                raise StreamError("the trigger has begun anew: stop its detectors, and start them before it")
            yield index, (index - len(times), times)

    def _late_of(self, clock: Any, start: int, stop: int) -> int:
        if not isinstance(clock, tuple):
            return super()._late_of(clock, start, stop)
        first, times = clock
        return int(np.count_nonzero(times[max(0, start - first) : stop - first] < time.time() - LATE_AFTER_S))
