"""Reading many streams of Redis by one XREAD.

COUNT of an XREAD holds for each stream, so it is shared out: a reply has about ``entries_per_reply`` entries
however many streams there are, and no more than about ``BYTES_PER_REPLY``. It starts at ``first_count``,
because nobody knows how large the points of a channel are before the first one came, and doubles while
replies are full.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nexus_writer.data._garbage import no_collection
from nexus_writer.data.link import Link

RawEntry = list[Any]
"""``[id, [field, value, field, value, ...]]``, all bytes."""
RawStream = list[Any]
"""``[name, [entry, entry, ...]]``."""
Label = TypeVar("Label")

FIRST = b"0-0"
BYTES_PER_REPLY = 8 * 2**20
MIN_COUNT = 4
CONTROL_COUNT = 1000


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a stream has been read: the id of the last entry, and the number of entries."""

    id: bytes
    entries: int


class Positions(Generic[Label]):
    """Where reading stands in some streams, in the form in which it is sent; each stream has a label."""

    __slots__ = ("_entries", "_index", "_labels", "_packed_ids", "_packed_names")

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._labels: list[Label] = []
        self._entries: list[int] = []
        self._packed_ids: list[bytes] = []
        self._packed_names: bytes | None = None

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, stream: bytes) -> bool:
        return stream in self._index

    def __iter__(self) -> Iterator[bytes]:
        return iter(list(self._index))

    def __getitem__(self, stream: bytes) -> StreamPosition:
        index = self._index[stream]
        return StreamPosition(self._packed_ids[index].split(b"\r\n")[1], self._entries[index])

    def label(self, stream: bytes) -> Label:
        return self._labels[self._index[stream]]

    def add(self, stream: bytes, label: Label, position: bytes = FIRST) -> bool:
        """From behind the entry ``position``; False, and no effect, when the stream is there already."""
        if stream in self._index:
            return False
        self._labels.append(label)
        self._entries.append(0)
        self._packed_ids.append(_packed(position))
        self._index[stream] = len(self._labels) - 1
        self._packed_names = None
        return True

    def remove(self, streams: Collection[bytes]) -> None:
        """Stop reading ``streams``; those that are not here do not matter."""
        kept = [(name, at) for name, at in self._index.items() if name not in streams]
        if len(kept) == len(self._index):
            return
        self._labels = [self._labels[at] for _, at in kept]
        self._entries = [self._entries[at] for _, at in kept]
        self._packed_ids = [self._packed_ids[at] for _, at in kept]
        self._index = {name: at for at, (name, _) in enumerate(kept)}
        self._packed_names = None

    def packed(self) -> tuple[bytes, list[bytes]]:
        """Names and positions as they go over the wire."""
        if self._packed_names is None:
            self._packed_names = b"".join(map(_packed, self._index))
        return self._packed_names, self._packed_ids

    def take(self, raw: Iterable[RawStream]) -> Taken[Label]:
        """Move behind the entries of a reply. Runs for every stream of every reply, so it is kept short."""
        index, labels, entries_read, packed_ids = self._index, self._labels, self._entries, self._packed_ids
        taken: list[tuple[Label, list[RawEntry]]] = []
        others: list[RawStream] = []
        longest = size_bytes = 0
        for stream in raw:
            entries = stream[1]
            at = index.get(stream[0])
            if at is None or not entries:
                others.append(stream)
                continue
            number, last = len(entries), entries[-1]
            packed_ids[at] = b"$%d\r\n%b\r\n" % (len(last[0]), last[0])
            entries_read[at] += number
            size_bytes += number * len(last[1][-1])
            if number > longest:
                longest = number
            taken.append((labels[at], entries))
        return Taken(taken, others, longest, size_bytes)


@dataclass(frozen=True, slots=True)
class Taken(Generic[Label]):
    """``streams`` with their labels, and those that were not ours.

    ``longest`` is the most entries of one stream, ``size_bytes`` about the size of all.
    """

    streams: list[tuple[Label, list[RawEntry]]]
    others: list[RawStream]
    longest: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Reply(Generic[Label]):
    """What one XREAD brought, taken by Redis at one moment. Streams without new entries are left out.

    ``full``: some stream, with ``count`` entries, may have more that could be read at once.
    """

    control: list[tuple[Label, list[RawEntry]]]
    data: list[tuple[Label, list[RawEntry]]]
    count: int
    full: bool

    def __bool__(self) -> bool:
        return bool(self.control or self.data)


class Streams(Generic[Label]):
    """Streams to follow: ``control`` (children lists, prepared, end) and ``data``.

    Positions move only when a reply has arrived as a whole, so after any error reading goes on where it was:
    nothing is lost, nothing comes twice.
    """

    control: Positions[Label]
    data: Positions[Label]

    def __init__(self, *, entries_per_reply: int, first_count: int) -> None:
        self.control = Positions()
        self.data = Positions()
        self._entries_per_reply = entries_per_reply
        self._first_count = self._count = first_count

    def __len__(self) -> int:
        return len(self.control) + len(self.data)

    def add_data(self, stream: bytes, label: Label) -> bool:
        """From the first point; False when the stream is there already."""
        self._count = min(self._count, self._first_count)
        return self.data.add(stream, label)

    def remove(self, streams: Collection[bytes]) -> None:
        self.control.remove(streams)
        self.data.remove(streams)

    def read(self, link: Link, *, block_ms: int | None, control_only: bool = False) -> Reply[Label]:
        """What is new. ``block_ms`` is the time to wait for the first new entry; None: do not wait.

        Raises what the link does.
        """
        names, ids = self.control.packed()
        count = CONTROL_COUNT
        if not control_only and len(self.data):
            data_names, data_ids = self.data.packed()
            names, ids = names + data_names, ids + data_ids
            count = self._count
        if not ids:
            return Reply([], [], count, False)
        command = _xread(count, block_ms, len(ids), names, ids)
        with no_collection() if block_ms is None else nullcontext():
            raw = link.call_packed(command) or ()
        data = self.data.take(raw)
        control = self.control.take(data.others)
        full = max(data.longest, control.longest) >= count
        if data.streams and (full or data.size_bytes > BYTES_PER_REPLY):
            self._adapt(count, data.size_bytes)
        return Reply(control.streams, data.streams, count, full)

    def _adapt(self, count: int, size_bytes: int) -> None:
        most = max(MIN_COUNT, self._entries_per_reply // len(self.data))
        by_size = count * BYTES_PER_REPLY // max(size_bytes, 1)
        self._count = max(1, min(2 * count, most, by_size))


def _packed(argument: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(argument), argument)


def _xread(count: int, block_ms: int | None, streams: int, names: bytes, ids: list[bytes]) -> bytes:
    arguments = 4 + 2 * streams + (0 if block_ms is None else 2)
    block = b"" if block_ms is None else b"$5\r\nBLOCK\r\n" + _packed(b"%d" % block_ms)
    head = b"*%d\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n%b%b$7\r\nSTREAMS\r\n"
    return b"".join((head % (arguments, _packed(b"%d" % count), block), names, *ids))
