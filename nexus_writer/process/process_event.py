"""An event that processes share, whichever way they are started."""

from __future__ import annotations

import contextlib
import os
import select
from multiprocessing.context import assert_spawning
from multiprocessing.reduction import DupFd
from typing import Any

__all__ = ["ProcessEvent"]


class ProcessEvent:
    """Like multiprocessing.Event, but nothing of it is left in /dev/shm when a process is killed.

    It is one descriptor of the kernel (eventfd), which ``select`` takes as well: readable while it is set.
    multiprocessing.Event is bound to one start method, and made of five semaphores.
    """

    __slots__ = ("_descriptor",)

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def set(self) -> None:
        """Wake up all who wait, and let pass who come later."""
        os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """From now on who comes waits."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)

    def is_set(self) -> bool:
        return self.wait(0)

    def wait(self, timeout: float | None = None) -> bool:
        """Until it is set; False if it is not after ``timeout`` seconds."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1e3))

    def fileno(self) -> int:
        return self._descriptor

    def __del__(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            os.close(self._descriptor)

    def __reduce__(self) -> tuple[Any, ...]:
        assert_spawning(self)
        return _of_descriptor, (DupFd(self._descriptor),)


def _of_descriptor(descriptor: Any) -> ProcessEvent:
    event = ProcessEvent.__new__(ProcessEvent)
    event._descriptor = descriptor.detach()
    return event
