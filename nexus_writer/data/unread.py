"""How far a reader is behind Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def unread_entries(link: Link, positions: Mapping[bytes, StreamPosition]) -> int:
    """Entries behind ``positions``, over all these data streams. Raises what the link does.

    Exact for entries of one point. Larger ones are counted by the server (Redis 7); an older server, or
    entries that were trimmed before they were read, leave an upper bound: points, or entries that there are.
    """
    if not positions:
        return 0
    replies = link.call(b"EVAL", _COUNTS, len(positions), *positions)
    return sum(_unread(reply, position) for reply, position in zip(replies, positions.values(), strict=True))


def _unread(counts: Sequence[int | bytes], position: StreamPosition) -> int:
    length, last_id, added, deleted_id = int(counts[0]), counts[1], int(counts[2]), counts[3]
    points = _index(last_id) - _index(position.id)
    if points <= 0:
        return 0
    most = min(points, length)
    if added < 0:
        return most
    created_empty = 1 if _index(deleted_id) == 0 and deleted_id != b"0-0" else 0
    return min(most, max(1, added - created_empty - position.entries))


def _index(entry_id: int | bytes) -> int:
    return int(bytes(entry_id).partition(b"-")[0]) if isinstance(entry_id, bytes) else int(entry_id)
