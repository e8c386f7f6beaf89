"""``select`` without its limit of 1024 descriptors."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Sequence
from typing import Any

__all__ = ["safe_select"]

_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
_WRITABLE = select.POLLOUT | select.POLLERR


def safe_select(
    l1: Sequence[Any], l2: Sequence[Any], l3: Sequence[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """The objects of each list that can be read, can be written, have urgent data, as ``select.select``.

    They are descriptors or have a ``fileno``. Nothing is ready: empty lists after ``timeout`` seconds. A
    signal does not end the wait. Raises OSError or ValueError where something is closed.
    """
    wanted: dict[int, int] = {}
    kinds = [
        (l1, select.POLLIN, _READABLE),
        (l2, select.POLLOUT, _WRITABLE),
        (l3, select.POLLPRI, select.POLLPRI),
    ]
    for objects, asked, _ in kinds:
        for one in objects:
            descriptor = _descriptor(one)
            wanted[descriptor] = wanted.get(descriptor, 0) | asked
    poll = select.poll()
    for descriptor, asked in wanted.items():
        poll.register(descriptor, asked)
    ready = dict(poll.poll(None if timeout is None else max(0.0, timeout) * 1e3))
    if any(events & select.POLLNVAL for events in ready.values()):
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    first, second, third = (
        [one for one in objects if ready.get(_descriptor(one), 0) & answer] for objects, _, answer in kinds
    )
    return first, second, third


def _descriptor(one: Any) -> int:
    descriptor: int = one if isinstance(one, int) else one.fileno()
    if descriptor < 0:
        raise ValueError(f"{one!r} is closed")
    return descriptor
