"""How much an entry of a stream holds."""

from __future__ import annotations

from nexus_writer.data.streams import RawEntry


def entry_size(entry: RawEntry) -> int:
    """Bytes of the longest value of an entry: the data, whatever the order of fields."""
    return max(map(len, entry[1]), default=0) if entry[1] else 0
