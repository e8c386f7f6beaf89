"""How far streams of Redis have been read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nexus_writer.data.point_runs import PointRun, RawStream, bulk

RawEntry = list[Any]
"""``[id, [field, value, field, value, ...]]``, all bytes."""
Packed = tuple[bytes, list[bytes]]
"""Names of streams and positions in them as they go over the wire."""
Label = TypeVar("Label")

FIRST = b"0-0"


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
        "_names",
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
        self._packed_names: list[bytes] = []
        self._names: bytes | None = None
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
        self._packed_ids.append(bulk(position))
        self._packed_names.append(bulk(stream))
        self._index[stream] = len(self._labels) - 1
        self._new.add(stream)
        self._names = None
        return True

    def remove(self, streams: Collection[bytes]) -> None:
        """Stop reading ``streams``; those that are not here do not matter."""
        if self._index.keys().isdisjoint(streams):
            return
        kept = [(name, at) for name, at in self._index.items() if name not in streams]
        self._labels = [self._labels[at] for _, at in kept]
        self._entries = [self._entries[at] for _, at in kept]
        self._packed_ids = [self._packed_ids[at] for _, at in kept]
        self._packed_names = [self._packed_names[at] for _, at in kept]
        self._sizes = [self._sizes[at] for _, at in kept]
        self.size_bytes = sum(self._sizes)
        self._new.difference_update(streams)
        self._index = {name: at for at, (name, _) in enumerate(kept)}
        self._names = None

    @property
    def has_new(self) -> bool:
        """Whether there are streams of which nothing has come yet."""
        return bool(self._new)

    def packed(self) -> Packed:
        """All streams as they go over the wire."""
        if self._names is None:
            self._names = b"".join(self._packed_names)
        return self._names, self._packed_ids

    def packed_new(self) -> Packed:
        """The streams of which nothing has come yet."""
        return self._packed_some(lambda name: name in self._new)

    def packed_among(self, names: Container[bytes], *, others: bool = False) -> Packed:
        """Those of ``names``, or those ``others`` of which something has come."""
        if others:
            return self._packed_some(lambda name: name not in names and name not in self._new)
        return self._packed_some(names.__contains__)

    def packed_known(self) -> Packed:
        """Those of which something has come."""
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

    def take_runs(self, runs: Iterable[tuple[bytes, PointRun]], count: int) -> TakenRuns[Label]:
        """Move behind the entries of a reply that came as runs."""
        taken: list[tuple[Label, PointRun]] = []
        more: list[Label] = []
        for name, run in runs:
            at = self._index[name]
            self._packed_ids[at] = bulk(run.last_id)
            self._entries[at] += run.entries
            if run.entries >= count:
                more.append(self._labels[at])
            taken.append((self._labels[at], run))
        return TakenRuns(taken, more)

    def _packed_some(self, chosen: Callable[[bytes], bool]) -> Packed:
        some = [(name, at) for name, at in self._index.items() if chosen(name)]
        return b"".join(self._packed_names[at] for _, at in some), [self._packed_ids[at] for _, at in some]

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
class TakenRuns(Generic[Label]):
    """The same of runs of points."""

    runs: list[tuple[Label, PointRun]]
    more: list[Label]
