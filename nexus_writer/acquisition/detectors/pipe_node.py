"""Nodes that take one stream and send others."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..errors import OverrunError, SendBlocked, StreamError
from ..nodes import ThreadedNode
from ..output_stream import OutputStream

__all__ = ["PipeNode"]

POLL_MS = 50
DRAIN_POLL_MS = 20
DESCRIBED = ("streamtype", "units", "sample_rate", "channel_info")


class PipeNode(ThreadedNode):
    """Input ``in``. The samples keep their index: what was lost before stays a gap.

    Connect the input before the outputs are configured: it says what they are.
    """

    _input_specs: ClassVar[dict[str, dict[str, Any]]] = {"in": {}}
    stop_timeout_s = 20.0
    drain_s: ClassVar[float] = 8.0
    """For so long chunks are passed on that wait when the node is stopped, or come then."""
    _gave_up = False

    def check_input_specs(self) -> None:
        if not self.input.connected:
            raise StreamError(f"input in of {self._called()} is not connected: call its connect(output)")

    def check_output_specs(self) -> None:
        for name, output in self.outputs.items():
            if not output.configured:
                raise StreamError(f"output {name} of {self._called()} is not open: call its configure()")

    def _described(self) -> dict[str, Any]:
        """What an output takes over from the input."""
        params = self.input.params
        return {key: params[key] for key in DESCRIBED if key in params}

    def _incoming(self) -> Iterator[tuple[int, NDArray[Any]]]:
        """Chunks until the node is stopped, and those that wait then, for ``drain_s`` at most."""
        self._gave_up, until_s = False, math.inf
        while not self._gave_up and time.monotonic() < until_s:
            stopping = self.stopping()
            if stopping and until_s == math.inf:
                until_s = time.monotonic() + self.drain_s
            if not self.input.poll(DRAIN_POLL_MS if stopping else POLL_MS):
                if stopping:
                    return
                continue
            try:
                index, data = self.input.recv(return_data=True)
            except OverrunError:  # counted by the input, and a gap of the index
                continue
            assert data is not None
            yield index, data
        if not self._gave_up:
            self.logger.warning("what came later than %g s after the stop was left", self.drain_s)

    def _forward(self, output: OutputStream, data: NDArray[Any], index: int) -> None:
        """However long a receiver takes, until the node is stopped: then it waits for one chunk, and no more.

        A source that begins anew is followed.
        """
        if index - len(data) < output.last_index:
            output.reset_buffer_index()
        while not self._gave_up:
            try:
                output.send(data, index=index)
            except SendBlocked:
                if not self.stopping():
                    continue
                self.logger.warning(
                    "samples from %d on were left: a receiver took none of them", output.last_index
                )
                self._gave_up = True
            return
