"""A node that works in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from numpy.typing import NDArray

from ..input_stream import InputStream
from .errors import NodeStuck
from .node import Node

__all__ = ["ThreadedNode"]

POLL_MS = 50


class ThreadedNode(Node):
    """Subclass it and write ``_run``: the work from ``start`` to ``stop``, in a thread of its own.

    ``_run`` returns soon after ``stopping()`` has become True, or earlier when its work is done: the node is
    running until ``stop`` all the same, and ``wait`` tells. What ``_run`` raises is logged and kept: the
    node is in FAULT, ``failure()`` returns it, ``stop`` raises it. Then it may be started again.
    """

    stop_timeout_s: ClassVar[float] = 10.0
    """A thread that takes longer is a NodeStuck, and the node is in FAULT; ``stop`` may be tried again."""

    def __init__(self, name: str | None = None, parent: Any = None) -> None:
        super().__init__(name, parent)
        self._stop_asked = threading.Event()
        self._thread: threading.Thread | None = None

    def _run(self) -> None:
        raise NotImplementedError(f"{type(self).__name__} needs a _run()")

    def stopping(self) -> bool:
        """Has the work to end?"""
        return self._stop_asked.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait in ``_run``; False as soon as the work has to end."""
        return not self._stop_asked.wait(max(0.0, seconds))

    def chunks(self, stream: InputStream, drain_s: float = 0.0) -> Iterator[tuple[int, NDArray[Any]]]:
        """What comes by an input until the work has to end, as ``recv`` has it, with its data.

        What waits then is given out too, for ``drain_s`` seconds at most.
        """
        while not self.stopping():
            if stream.poll(POLL_MS):
                yield _received(stream)
        end_s = time.monotonic() + drain_s
        while time.monotonic() < end_s and stream.poll(0):
            yield _received(stream)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end of the work; True if there is none, or no more."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _start(self) -> None:
        self._stop_asked.clear()
        name = f"node {self.name or type(self).__name__}"
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _stop(self) -> None:
        self._stop_asked.set()
        if not self.wait(self.stop_timeout_s):
            raise NodeStuck(self._called(), self.stop_timeout_s)
        self._thread = None

    def _work(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self._fail(error)
            self.logger.error("the node %s failed: %s", self._called(), error, exc_info=error)


def _received(stream: InputStream) -> tuple[int, NDArray[Any]]:
    index, data = stream.recv(return_data=True)
    assert data is not None
    return index, data
