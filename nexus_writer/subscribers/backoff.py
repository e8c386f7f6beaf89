"""How long to wait before the next try."""

from __future__ import annotations


class Backoff:
    """Waits that double from ``first_s`` up to ``longest_s``."""

    def __init__(self, first_s: float = 0.1, longest_s: float = 5.0) -> None:
        self._next_s = first_s
        self._longest_s = longest_s

    def next_s(self) -> float:
        """Seconds to wait now."""
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, self._longest_s)
        return wait_s
