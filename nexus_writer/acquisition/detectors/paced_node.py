"""Nodes that send points when these are due: at a rate of their own, or when they are told."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from ..dtypes import sample_nbytes
from ..errors import SendBlocked, StreamError
from ..nodes import ThreadedNode
from ..output_stream import OutputStream
from ..stream_params import complete
from .clock import Clock

__all__ = ["DEFAULT_RATE_HZ", "PacedNode"]

DEFAULT_RATE_HZ = 10.0
CHUNKS_PER_S = 50
MOST_CHUNK_NBYTES = 2**22
LATE_AFTER_S = 0.1


class _Stopped(Exception):
    """The node was stopped while it waited for a receiver."""


class PacedNode(ThreadedNode):
    """Subclass it: ``_send_points`` sends the points of all outputs, ``_due`` says when.

    No point is ever left out: a node that was held up, by a slow receiver or a busy processor, catches up.
    ``late`` then counts the points that went out more than 0.1 s after the chunk that they belong to was due.
    """

    stop_timeout_s = 15.0

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self.rate_hz = DEFAULT_RATE_HZ
        self.npoints: int | None = None
        self.block_points = 1
        self._has_free_blocks = True
        self._sent = 0
        self._late = 0

    @property
    def sent(self) -> int:
        """Points since the start, for any thread."""
        return self._sent

    @property
    def late(self) -> int:
        """Points since the start that came late, for any thread."""
        return self._late

    def _set_pace(self, rate_hz: float, npoints: int | None, block_points: int | None) -> None:
        """``block_points`` go out at once, by default those of 20 ms, but not more than 4 MB of an output."""
        if not 0 < rate_hz < math.inf:
            raise ValueError(f"rate_hz {rate_hz!r}: give a number above 0")
        if npoints is not None and npoints < 0:
            raise ValueError(f"npoints {npoints}: give 0 or more, or None for no end")
        if block_points is not None and block_points < 1:
            raise ValueError(f"block_points {block_points}: give 1 or more, or None")
        self.rate_hz, self.npoints = float(rate_hz), npoints
        self.block_points = block_points or max(1, int(rate_hz / CHUNKS_PER_S))
        self._has_free_blocks = block_points is None

    def _set_output(self, name: str, **spec: Any) -> None:
        """What the output must be from now on; one that is open as something else must be configured anew."""
        self.outputs[name].spec = {"sample_rate": self.rate_hz, **spec}
        if self._has_free_blocks:
            nbytes = sample_nbytes(spec["dtype"], spec["shape"])
            self.block_points = max(1, min(self.block_points, MOST_CHUNK_NBYTES // nbytes))

    def check_output_specs(self) -> None:
        for name, output in self.outputs.items():
            if not output.configured:
                raise StreamError(
                    f"output {name} of {self._called()} is not open: call its configure() first"
                )
            wanted = complete(output.spec, {})
            if any(output.params[key] != wanted[key] for key in output.spec):
                raise StreamError(
                    f"output {name} of {self._called()} was opened before the node's configure(): "
                    "call the output's configure() again"
                )

    def _run(self) -> None:
        self._sent = self._late = 0
        with contextlib.suppress(_Stopped):
            self._send_what_is_due()

    def _send_what_is_due(self) -> None:
        for stop, clock in self._due():
            if self.npoints is not None:
                stop = min(stop, self.npoints)
            while self._sent < stop and not self.stopping():
                start, end = self._sent, min(stop, self._sent + self.block_points)
                self._send_points(start, end)
                self._sent = end
                self._late += self._late_of(clock, start, end)
            if self._sent == self.npoints:
                return

    def _due(self) -> Iterator[tuple[int, Any]]:
        """Each time points are due: up to which, and what ``_late_of`` needs to know."""
        clock = Clock(self.rate_hz)
        while self.npoints is None or self._sent < self.npoints:
            stop = self._sent + self.block_points
            if self.npoints is not None:
                stop = min(stop, self.npoints)
            if not self.pause(clock.seconds_to(stop)):
                return
            yield stop, clock

    def _late_of(self, clock: Any, start: int, stop: int) -> int:
        found: int = clock.late(start, stop, LATE_AFTER_S + self.block_points / self.rate_hz)
        return found

    def _send_points(self, start: int, stop: int) -> None:
        """Send the points ``start`` to ``stop`` (not included)."""
        raise NotImplementedError

    def _send(self, output: OutputStream, values: NDArray[Any], stop: int) -> None:
        """However long a receiver takes: what was measured waits for it, until the node is stopped."""
        while not self.stopping():
            try:
                output.send(values, index=stop)
            except SendBlocked:
                continue
            return
        raise _Stopped
