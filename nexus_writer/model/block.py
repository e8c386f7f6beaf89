"""Points of a channel on their way from Redis to the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive points of one channel.

    ``start`` counts from the scan's first point, so a block says where it belongs: reading a stream
    twice is harmless, and points that are missing leave a gap instead of shifting those behind it.
    ``values`` has the shape (n,) + the shape of one point; strings and objects have dtype object and
    shape (n,).
    """

    channel: str
    start: int
    values: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def stop(self) -> int:
        """Index of the point behind the last one."""
        return self.start + len(self.values)


def uncommitted(block: Block, committed: int) -> npt.NDArray[Any]:
    """The points of ``block`` that a file with ``committed`` points lacks."""
    return block.values[max(0, committed - block.start) :]
