"""How much is believed of what Redis says; what is more costs the channel or the field that says it.

All are far beyond what beamlines publish: they keep a slip, or malice, from eating the memory, the disk or
the time of the scans beside it.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

LARGEST_VALUE_BYTES = 2**29
"""Of one pickle, and of one point in its file: Redis itself has no longer values."""
MOST_OPERATIONS = 1_000_000
"""Of a pickle: each makes one object of at most some 200 bytes."""
DEEPEST_NESTING = 100
"""Containers within containers in a pickle."""
LONGEST_NUMBER = 100
"""Digits of a number that is pickled as text, bytes of one in binary."""
MOST_DIMENSIONS = 16
"""Of a point, and of the grid of a scan: HDF5 has 32 for both."""
MOST_POINTS = 2**32 - 1
"""Of a channel. HDF5 counts the chunks of a dataset that grows with 32 bits."""
LARGEST_GAP = 100_000_000
"""Points that never came between two that did: 28 h at 1 kHz."""
LONGEST_NAME = 250
"""Characters of the name of a channel."""
MOST_CHANNELS = 10_000
"""Of a scan."""
MOST_PARTS = 32
"""Of a channel whose points change their type again and again: each part is a dataset of its own."""
MOST_WARNINGS = 1_000
"""Of a scan: each new one is kept with all that came before."""
MOST_REFERENCES = 10_000
"""Scans of a sequence or a group."""
MOST_MEMBERS = 200_000
"""Values and groups in one tree of metadata."""
DEEPEST_TREE = 64
"""Groups within groups in a tree of metadata."""
MOST_ITEMS = 10_000_000
"""Of a list in metadata."""


def is_credible_shape(shape: tuple[int, ...], item_bytes: int = 1) -> bool:
    """Whether points of this shape can be saved; lengths of 0 or less are not known."""
    return len(shape) <= MOST_DIMENSIONS and _known_nbytes(shape, item_bytes) <= LARGEST_VALUE_BYTES


@lru_cache(maxsize=256)
def _known_nbytes(shape: tuple[int, ...], item_bytes: int) -> int:
    return prod(length for length in shape if length > 0) * max(1, item_bytes)


def one_line(text: str) -> str:
    """``text`` with characters that no line can hold, or no screen shows, as their escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
