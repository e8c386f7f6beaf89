"""Waiting for what other threads and processes do: for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Return as soon as the condition holds; the test fails when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not after {timeout_s} s"
        time.sleep(0.01)


def allowed_s(limit_s: float) -> float:
    """What takes ``limit_s`` at most where each task has a processor of its own may take so long anywhere.

    So a test tells what is done at once from what waits for somebody, or polls. Limits of speed are in
    ``benchmarks/``.
    """
    return max(5.0, 20 * limit_s)
