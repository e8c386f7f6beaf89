"""Reading many streams of Redis by one XREAD.

COUNT of an XREAD holds for each stream, so it is shared out: a reply has about ``entries_per_reply`` entries
however many streams there are, and no more than about ``BYTES_PER_REPLY``, or one entry of each stream.
What came last of a stream says how large its entries are. Nobody knows it before the first one came, be it
the thousandth of another stream; so the first one is looked at, before it is read with those behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nexus_writer.data._garbage import no_collection
from nexus_writer.data.link import Link

RawEntry = list[Any]
"""``[id, [field, value, field, value, ...]]``, all bytes."""
RawStream = list[Any]
"""``[name, [entry, entry, ...]]``."""
Packed = tuple[bytes, list[bytes]]
"""Names of streams and positions in them as they go over the wire."""
Label = TypeVar("Label")

FIRST = b"0-0"
BYTES_PER_REPLY = 8 * 2**20
CONTROL_COUNT = 1000
FIRST_COUNT = 100
GROWTH = 4


@dataclass(frozen=True, slots=True)
class StreamPosition:
    """How far a stream has been read: the id of the last entry, and the number of entries."""

    id: bytes
    entries: int


class Positions(Generic[Label]):
    """Where reading stands in some streams, in the form in which it is sent; each stream has a label."""

    __slots__ = (
        "_entries",
        "_index",
        "_labels",
        "_new",
        "_packed_ids",
        "_packed_names",
        "_sizes",
        "size_bytes",
    )

    size_bytes: int
    """About what one entry of each stream is together."""

    def __init__(self) -> None:
        self._index: dict[bytes, int] = {}
        self._labels: list[Label] = []
        self._entries: list[int] = []
        self._packed_ids: list[bytes] = []
        self._packed_names: bytes | None = None
        self._sizes: list[int] = []
        self._new: set[bytes] = set()
        self.size_bytes = 0

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
        self._sizes.append(0)
        self._packed_ids.append(_packed(position))
        self._index[stream] = len(self._labels) - 1
        self._new.add(stream)
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
        self._sizes = [self._sizes[at] for _, at in kept]
        self.size_bytes = sum(self._sizes)
        self._new.difference_update(streams)
        self._index = {name: at for at, (name, _) in enumerate(kept)}
        self._packed_names = None

    @property
    def has_new(self) -> bool:
        """Whether there are streams of which nothing has come yet."""
        return bool(self._new)

    def packed(self) -> Packed:
        """All streams as they go over the wire."""
        if self._packed_names is None:
            self._packed_names = b"".join(map(_packed, self._index))
        return self._packed_names, self._packed_ids

    def packed_new(self) -> Packed:
        """The streams of which nothing has come yet."""
        return self._packed_some(lambda name: name in self._new)

    def packed_known(self) -> Packed:
        """The others."""
        return self._packed_some(lambda name: name not in self._new) if self._new else self.packed()

    def look(self, raw: Iterable[RawStream]) -> None:
        """Learn from entries that will be read again how large they are."""
        for name, entries in raw:
            at = self._index.get(name)
            if at is not None and entries:
                self._note_size(name, at, len(entries[-1][1][-1]))

    def take(self, raw: Iterable[RawStream], count: int) -> Taken[Label]:
        """Move behind the entries of a reply. Runs for every stream of every reply, so it is kept short."""
        index, labels, entries_read, packed_ids = self._index, self._labels, self._entries, self._packed_ids
        taken: list[tuple[Label, list[RawEntry]]] = []
        others: list[RawStream] = []
        more: list[Label] = []
        for stream in raw:
            entries = stream[1]
            at = index.get(stream[0])
            if at is None or not entries:
                others.append(stream)
                continue
            number, last = len(entries), entries[-1]
            packed_ids[at] = b"$%d\r\n%b\r\n" % (len(last[0]), last[0])
            entries_read[at] += number
            if number >= count:
                more.append(labels[at])
            size_bytes = len(last[1][-1])
            if size_bytes != self._sizes[at] or stream[0] in self._new:
                self._note_size(stream[0], at, size_bytes)
            taken.append((labels[at], entries))
        return Taken(taken, others, more)

    def _packed_some(self, chosen: Callable[[bytes], bool]) -> Packed:
        some = [(name, at) for name, at in self._index.items() if chosen(name)]
        return b"".join(_packed(name) for name, _ in some), [self._packed_ids[at] for _, at in some]

    def _note_size(self, stream: bytes, at: int, size_bytes: int) -> None:
        self.size_bytes += size_bytes - self._sizes[at]
        self._sizes[at] = size_bytes
        self._new.discard(stream)


@dataclass(frozen=True, slots=True)
class Taken(Generic[Label]):
    """``streams`` with their labels, those that were not ours, and the labels of those of which there may be
    ``more``."""

    streams: list[tuple[Label, list[RawEntry]]]
    others: list[RawStream]
    more: list[Label]


@dataclass(frozen=True, slots=True)
class Reply(Generic[Label]):
    """What was read. Streams without new entries are left out.

    Redis took it at one moment; if ``partial``, without those streams that had nothing the moment before.
    ``more`` are the labels of streams of which more could be read at once.
    """

    control: list[tuple[Label, list[RawEntry]]]
    data: list[tuple[Label, list[RawEntry]]]
    more: list[Label]
    partial: bool = False

    def __bool__(self) -> bool:
        return bool(self.control or self.data)


class Streams(Generic[Label]):
    """Streams to follow: ``control`` (children lists, prepared, end) and ``data``.

    Positions move only when a reply has arrived as a whole, so after any error reading goes on where it was:
    nothing is lost, nothing comes twice.
    """

    control: Positions[Label]
    data: Positions[Label]

    def __init__(self, *, entries_per_reply: int) -> None:
        self.control = Positions()
        self.data = Positions()
        self._entries_per_reply = entries_per_reply
        self._count = FIRST_COUNT

    def __len__(self) -> int:
        return len(self.control) + len(self.data)

    def add_data(self, stream: bytes, label: Label) -> bool:
        """From the first point; False when the stream is there already."""
        return self.data.add(stream, label)

    def remove(self, streams: Collection[bytes]) -> None:
        self.control.remove(streams)
        self.data.remove(streams)

    def read(self, link: Link, *, block_ms: int | None, control_only: bool = False) -> Reply[Label]:
        """What is new. ``block_ms`` is the time to wait for the first new entry; None: do not wait.

        Raises what the link does.
        """
        if control_only:
            taken = self.control.take(
                self._asked(link, block_ms, CONTROL_COUNT, self.control.packed()), CONTROL_COUNT
            )
            return Reply(taken.streams, [], taken.more)
        if self.data.has_new:
            if not self._look(link, block_ms):
                return Reply([], [], [])
            block_ms = None
        count = self._now_count()
        raw = self._asked(link, block_ms, count, self.control.packed(), self.data.packed_known())
        data = self.data.take(raw, count)
        control = self.control.take(data.others, count)
        if data.more and count == self._count:
            self._count = min(GROWTH * count, self._entries_per_reply)
        return Reply(control.streams, data.streams, data.more + control.more, partial=self.data.has_new)

    def _look(self, link: Link, block_ms: int | None) -> bool:
        """Look at the first entry of streams of which nothing has come yet; False: nothing came in time."""
        if block_ms is None:
            self.data.look(self._asked(link, None, 1, self.data.packed_new()))
            return True
        found = self._asked(link, block_ms, 1, self.control.packed(), self.data.packed())
        self.data.look(found)
        return bool(found)

    def _asked(self, link: Link, block_ms: int | None, count: int, *packed: Packed) -> list[RawStream]:
        names, ids = b"".join(one[0] for one in packed), [id_ for one in packed for id_ in one[1]]
        if not ids:
            return []
        command = _xread(count, block_ms, len(ids), names, ids)
        with no_collection() if block_ms is None else nullcontext():
            return link.call_packed(command) or []

    def _now_count(self) -> int:
        most = self._entries_per_reply // max(1, len(self.data))
        return max(1, min(self._count, most, BYTES_PER_REPLY // max(1, self.data.size_bytes)))


def _packed(argument: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(argument), argument)


def _xread(count: int, block_ms: int | None, streams: int, names: bytes, ids: list[bytes]) -> bytes:
    arguments = 4 + 2 * streams + (0 if block_ms is None else 2)
    block = b"" if block_ms is None else b"$5\r\nBLOCK\r\n" + _packed(b"%d" % block_ms)
    head = b"*%d\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n%b%b$7\r\nSTREAMS\r\n"
    return b"".join((head % (arguments, _packed(b"%d" % count), block), names, *ids))
