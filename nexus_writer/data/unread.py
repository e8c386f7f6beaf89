"""How far a reader is behind Redis, and how close to losing points.

Publishers let Redis throw away what is old: BLISS keeps about 2048 entries of each stream, ours say
themselves. Redis does not tell a stream's limit; a stream that has been trimmed shows it by its length.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nexus_writer.data.link import Link
from nexus_writer.data.streams import StreamPosition

# XINFO STREAM gives the first and the last entry too, which may be images: Redis picks the numbers out.
_COUNTS = """
local counts = {}
for i, key in ipairs(KEYS) do
    local reply = redis.pcall('XINFO', 'STREAM', key)
    local found = {}
    if not reply.err then
        for at = 1, #reply, 2 do found[reply[at]] = reply[at + 1] end
    end
    counts[i] = {
        found['length'] or 0,
        found['last-generated-id'] or '0-0',
        found['entries-added'] or -1,
        found['max-deleted-entry-id'] or '0-0',
    }
end
return counts
"""


KEPT_BY_BLISS = 2048
KEPT_AT_MOST = KEPT_BY_BLISS + 128
"""Redis trims whole nodes of about 100 entries."""
UNLIMITED = sys.maxsize
"""Of a stream that has grown beyond that, and was never trimmed."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What a reader has yet to read: ``entries`` of all streams, and of the fullest stream the part of what
    Redis keeps of it, 0 to 1 (points are being lost); ``most`` are the entries of any one stream."""

    entries: int = 0
    fill: float = 0.0
    most: int = 0


def unread_entries(link: Link, positions: Mapping[bytes, StreamPosition]) -> Unread:
    """What is behind ``positions`` in these data streams. Raises what the link does.

    Exact for entries of one point. Larger ones are counted by the server (Redis 7); an older server, or
    entries that were trimmed before they were read, leave an upper bound: points, or entries that there are.
    """
    if not positions:
        return Unread()
    replies = link.call(b"EVAL", _COUNTS, len(positions), *positions)
    streams = [_Stream.of(reply) for reply in replies]
    unread = [stream.unread(position) for stream, position in zip(streams, positions.values(), strict=True)]
    fill = max(min(1.0, count / stream.kept) for count, stream in zip(unread, streams, strict=True))
    return Unread(sum(unread), fill, max(unread))


@dataclass(frozen=True, slots=True)
class _Stream:
    """What Redis says of a stream. ``added`` is -1 where it does not count."""

    length: int
    last: int
    added: int

    @classmethod
    def of(cls, counts: Sequence[int | bytes]) -> _Stream:
        length, last_id, added, deleted_id = int(counts[0]), counts[1], int(counts[2]), counts[3]
        created_empty = added > 0 and _index(deleted_id) == 0 and deleted_id != b"0-0"
        return cls(length, _index(last_id), added - created_empty)

    @property
    def kept(self) -> int:
        """Entries that Redis keeps of it."""
        if self.added > self.length > 0:
            return self.length
        return KEPT_BY_BLISS if self.length <= KEPT_AT_MOST else UNLIMITED

    def unread(self, position: StreamPosition) -> int:
        points = self.last - _index(position.id)
        if points <= 0:
            return 0
        most = min(points, self.length)
        return most if self.added < 0 else min(most, max(1, self.added - position.entries))


def _index(entry_id: int | bytes) -> int:
    return int(bytes(entry_id).partition(b"-")[0]) if isinstance(entry_id, bytes) else int(entry_id)
