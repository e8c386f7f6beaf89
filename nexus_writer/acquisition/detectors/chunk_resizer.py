"""A stream in chunks of one size."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .pipe_node import PipeNode

__all__ = ["ChunkResizer"]


class ChunkResizer(PipeNode):
    """Output ``out``: the same samples, ``chunk_points`` at a time.

    What does not fill a chunk waits for more. It goes out as a shorter one before a gap, and when the node is
    stopped: no sample is lost, and none is moved to another index.
    """

    _output_specs: ClassVar[dict[str, dict[str, Any]]] = {"out": {}}

    def _configure(self, *, chunk_points: int) -> None:
        if chunk_points < 1:
            raise ValueError(f"chunk_points {chunk_points}: give 1 or more")
        self._chunk_points = chunk_points
        if self.input.connected:
            self.after_input_connect("in")

    def after_input_connect(self, name: str) -> None:
        """The output is what the input is, but for the length of its chunks."""
        params = self.input.params
        shape = (-1, *params["shape"][1:])
        self.output.spec = {**self._described(), "shape": shape, "dtype": params["dtype"]}

    def _run(self) -> None:
        kept: list[NDArray[Any]] = []
        stop = points = 0
        for index, data in self._incoming():
            if index - len(data) != stop:
                self._flush(kept, stop)
                points = 0
            kept.append(np.array(data))
            stop, points = index, points + len(data)
            if points >= self._chunk_points:
                self._send_whole(kept, stop)
                points %= self._chunk_points
        self._flush(kept, stop)

    def _send_whole(self, kept: list[NDArray[Any]], stop: int) -> None:
        samples = np.concatenate(kept)
        first, size = stop - len(samples), self._chunk_points
        whole = len(samples) // size * size
        for start in range(0, whole, size):
            self._forward(self.output, samples[start : start + size], first + start + size)
        kept[:] = [samples[whole:]] if whole < len(samples) else []

    def _flush(self, kept: list[NDArray[Any]], stop: int) -> None:
        if kept:
            self._forward(self.output, np.concatenate(kept), stop)
        kept.clear()
