"""Numbers of things, as people write them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 dataset``, ``2 datasets``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
