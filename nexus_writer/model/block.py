"""Points of a channel on their way from Redis to the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

LARGE_NBYTES = 2**16
"""Of points: to copy them costs more than to write them by themselves."""


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


def joined(blocks: Sequence[Block]) -> Sequence[Block]:
    """Blocks of one channel, neighbours of one dtype and shape together; one of ``LARGE_NBYTES`` stays alone,
    and is not copied."""
    if len(blocks) < 2:
        return blocks
    found: list[Block] = []
    for block, group in _neighbours(blocks):
        values = np.concatenate([one.values for one in group]) if len(group) > 1 else block.values
        found.append(Block(block.channel, block.start, values))
    return found


def _neighbours(blocks: Sequence[Block]) -> Iterator[tuple[Block, list[Block]]]:
    """Those that belong together, and the first one of them."""
    group: list[Block] = []
    for block in blocks:
        if group and not _continues(group[-1], block):
            yield group[0], group
            group = []
        group.append(block)
    if group:
        yield group[0], group


def _continues(before: Block, block: Block) -> bool:
    values, last = block.values, before.values
    return (
        before.start + len(last) == block.start
        and values.nbytes < LARGE_NBYTES > last.nbytes
        and values.dtype == last.dtype
        and values.shape[1:] == last.shape[1:]
    )
