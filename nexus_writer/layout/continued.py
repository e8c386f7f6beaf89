"""Channels whose later points do not fit into the dataset that the first ones made.

Nothing that was measured is lost for that: from the first such point on it is saved as another channel, a
generic detector of its own, called ``<channel>:from_<index of its first point>``. That may happen again to
the rest, but not without end: a dataset for each point, with names that grow, would hold up all other scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus_writer.model import Block, ChannelDescription
from nexus_writer.model.limits import MOST_PARTS

from .channel_data import ChannelData


class Continued:
    """Where the points of each channel go on, by channel key."""

    def __init__(self) -> None:
        self._rests: dict[str, tuple[ChannelDescription, int]] = {}
        self._parts: dict[str, int] = {}

    def follow(self, key: str, blocks: Sequence[Block]) -> tuple[str, int, Sequence[Block]]:
        """The key under which points of a channel are saved by now, the index of its first point, and the
        points as its own."""
        offset = 0
        while key in self._rests:
            rest, first = self._rests[key]
            blocks = [_from(block, first) for block in blocks if block.stop > first]
            key, offset = rest.key, offset + first
        return key, offset, blocks

    def begin(self, data: ChannelData, blocks: Sequence[Block]) -> ChannelDescription | None:
        """A channel for what ``data`` refused of ``blocks``, and all that follows; None where it cannot be:
        nothing came before, what was refused is late, or there are ``MOST_PARTS`` already."""
        first = data.points
        refused = [block for block in blocks if block.stop > first]
        late = any(block.start < stop and start < block.stop for block in blocks for start, stop in data.gaps)
        parts = self._parts.get(data.channel.key, 1)
        if not first or not refused or late or parts >= MOST_PARTS:
            return None
        values, channel = _from(refused[0], first).values, data.channel
        tail = f"from_{first}"
        rest = ChannelDescription(
            f"{channel.key}:{tail}", f"{channel.name}:{tail}", values.dtype, values.shape[1:], data.unit
        )
        self._rests[channel.key] = (rest, first)
        self._parts[rest.key] = parts + 1
        return rest


def _from(block: Block, first: int) -> Block:
    """The points of a block from index ``first`` on, counted from there."""
    skipped = max(0, first - block.start)
    return replace(block, start=block.start + skipped - first, values=block.values[skipped:])
