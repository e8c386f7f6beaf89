"""Numbers of things, as people write them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """``1 dataset``, ``2 datasets``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def counted_range(numbers: Sequence[int], noun: str) -> str:
    """``1 point`` or ``7 points`` when all are equal, else ``0 to 4 points``. There is at least one."""
    least, most = min(numbers), max(numbers)
    return counted(least, noun) if least == most else f"{least} to {counted(most, noun)}"
