"""Waiting for what other threads and processes do: for a condition, never for a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Return as soon as the condition holds; the test fails when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not after {timeout_s} s"
        time.sleep(0.01)


def allowed_s(limit_s: float) -> float:
    """The limit where each task has a processor of its own; more where they share."""
    return limit_s * max(1.0, 3 * os.getloadavg()[0] / (os.cpu_count() or 1))
