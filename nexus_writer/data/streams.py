"""Reading many streams of Redis by one XREAD.

COUNT of an XREAD holds for each stream, so it is shared out: a reply has about ``entries_per_reply`` entries
however many streams there are, and no more than about ``BYTES_PER_REPLY``. It starts small, because nobody
knows how large the points of a channel are before the first one came, and doubles while replies are full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from nexus_writer.data.link import Link

RawEntry = list[Any]
"""``[id, [field, value, field, value, ...]]``, all bytes."""

FIRST = b"0-0"
BYTES_PER_REPLY = 8 * 2**20
FIRST_COUNT = 8
MIN_COUNT = 4
CONTROL_COUNT = 1000


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a stream has been read: the id of the last entry, and the number of entries."""

    id: bytes
    entries: int


class Positions:
    """Where reading stands in some streams, ready to be sent."""

    __slots__ = ("_entries", "_ids", "_index", "_packed_ids", "_packed_names")

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._ids: list[bytes] = []
        self._entries: list[int] = []
        self._packed_ids: list[bytes] = []
        self._packed_names: bytes | None = None

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, stream: bytes) -> bool:
        return stream in self._index

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._index)

    def __getitem__(self, stream: bytes) -> StreamPosition:
        index = self._index[stream]
        return StreamPosition(self._ids[index], self._entries[index])

    def add(self, stream: bytes, position: bytes) -> None:
        """From behind the entry ``position``; without effect when the stream is there already."""
        if stream in self._index:
            return
        self._index[stream] = len(self._ids)
        self._ids.append(position)
        self._entries.append(0)
        self._packed_ids.append(_packed(position))
        self._packed_names = None

    def remove(self, streams: Collection[bytes]) -> None:
        """Stop reading ``streams``; those that are not here do not matter."""
        kept = [(name, at) for name, at in self._index.items() if name not in streams]
        if len(kept) == len(self._index):
            return
        self._ids = [self._ids[at] for _, at in kept]
        self._entries = [self._entries[at] for _, at in kept]
        self._packed_ids = [self._packed_ids[at] for _, at in kept]
        self._index = {name: at for at, (name, _) in enumerate(kept)}
        self._packed_names = None

    def advance(self, stream: bytes, entries: list[RawEntry]) -> bool:
        """Move behind ``entries``. False when the stream is not (or no longer) one of these."""
        index = self._index.get(stream)
        if index is None:
            return False
        last = entries[-1][0]
        self._entries[index] += len(entries)
        self._ids[index] = last
        self._packed_ids[index] = b"$%d\r\n%b\r\n" % (len(last), last)
        return True

    def packed(self) -> tuple[bytes, list[bytes]]:
        if self._packed_names is None:
            self._packed_names = b"".join(map(_packed, self._index))
        return self._packed_names, self._packed_ids


@dataclass(frozen=True, slots=True)
class Reply:
    """What one XREAD brought, taken by Redis at one moment. Streams without new entries are left out.

    ``full``: some stream may have more that could be read at once.
    """

    control: list[tuple[bytes, list[RawEntry]]]
    data: list[tuple[bytes, list[RawEntry]]]
    count: int
    full: bool


class Streams:
    """Streams to follow: ``control`` (children lists, prepared, end) and ``data``.

    Positions move only when a reply has arrived as a whole, so after any error reading goes on where it was:
    nothing is lost, nothing comes twice.
    """

    control: Positions
    data: Positions

    def __init__(self, *, entries_per_reply: int) -> None:
        self.control = Positions()
        self.data = Positions()
        self._entries_per_reply = entries_per_reply
        self._count = FIRST_COUNT

    def add_data(self, stream: bytes, position: bytes = FIRST) -> None:
        self.data.add(stream, position)
        self._count = min(self._count, FIRST_COUNT)

    def remove(self, streams: Collection[bytes]) -> None:
        self.control.remove(streams)
        self.data.remove(streams)

    def read(self, link: Link, *, block_ms: int | None, control_only: bool = False) -> Reply:
        """What is new. ``block_ms`` is the time to wait for the first new entry; None: do not wait.

        Raises what the link does.
        """
        names, ids = self.control.packed()
        streams = len(ids)
        count = CONTROL_COUNT
        if not control_only and len(self.data):
            data_names, data_ids = self.data.packed()
            names, ids = names + data_names, ids + data_ids
            streams = len(ids)
            count = self._count
        if not streams:
            return Reply([], [], count, False)
        raw = link.call_packed(_xread(count, block_ms, streams, names, ids))
        return self._taken(raw or (), count)

    def _taken(self, raw: Any, count: int) -> Reply:
        reply = Reply([], [], count, False)
        full, size = False, 0
        for stream, entries in raw:
            if not entries:
                continue
            if self.data.advance(stream, entries):
                reply.data.append((stream, entries))
                size += len(entries) * len(entries[-1][1][-1])
            elif self.control.advance(stream, entries):
                reply.control.append((stream, entries))
            full = full or len(entries) >= count
        if reply.data and (full or size > BYTES_PER_REPLY):
            self._adapt(count, size)
        return Reply(reply.control, reply.data, count, full)

    def _adapt(self, count: int, size: int) -> None:
        most = max(MIN_COUNT, self._entries_per_reply // len(self.data))
        by_size = count * BYTES_PER_REPLY // max(size, 1)
        self._count = max(1, min(2 * count, most, by_size))


def _packed(argument: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(argument), argument)


def _xread(count: int, block_ms: int | None, streams: int, names: bytes, ids: list[bytes]) -> bytes:
    arguments = 4 + 2 * streams + (0 if block_ms is None else 2)
    block = b"" if block_ms is None else b"$5\r\nBLOCK\r\n" + _packed(b"%d" % block_ms)
    head = b"*%d\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n%b%b$7\r\nSTREAMS\r\n"
    return b"".join((head % (arguments, _packed(b"%d" % count), block), names, *ids))
