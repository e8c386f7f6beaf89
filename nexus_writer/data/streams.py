"""Reading many streams of Redis by one XREAD.

COUNT of an XREAD holds for each stream, so it is shared out: a reply has about ``entries_per_reply`` entries
unless there are very many streams, and no more than about ``BYTES_PER_REPLY``, or one entry of each stream.
What came last of a stream says how large its entries are. Nobody knows it before the first one came, be it
the thousandth of another stream; so the first one is looked at, before it is read with those behind it.

Who reads points only, and is behind, gets them as runs, from larger replies (:mod:`.point_runs`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Generic

from nexus_writer.data._garbage import no_collection
from nexus_writer.data._incoming import NOTHING, Incoming
from nexus_writer.data.link import Link
from nexus_writer.data.point_runs import Found, KnownRows, PointRun, RawStream, bulk
from nexus_writer.data.positions import FIRST, Label, Packed, Positions, RawEntry, StreamPosition

__all__ = ["BYTES_PER_REPLY", "FIRST", "RawEntry", "Reply", "StreamPosition", "Streams"]

BYTES_PER_REPLY = 8 * 2**20
CONTROL_COUNT = 1000
FIRST_COUNT = 100
FIRST_BEFORE_RUNS = 25
"""Where the next ones may come as runs: an entry costs four times as much."""
LEAST_COUNT = 8
"""Of thousands of streams, too: what a stream costs of a reply is shared by so many entries."""
GROWTH = 4
RUNS_PER_ENTRY = 5
"""So many times as many entries are asked for where they come as runs."""
SHORTEST_RUN = 8
"""A run of fewer entries costs more than the entries."""
LEAST_RUN = 64
"""Of thousands of streams, too, unless their bytes are too many: a run costs what 40 of its entries do."""
LEARNED_PER_REPLY = 100
_NOTHING_NEW = b"18446744073709551615-18446744073709551615"


@dataclass(frozen=True, slots=True)
class Reply(Generic[Label]):
    """What was read. Streams without new entries are left out; one is either in ``data`` or in ``runs``.

    Redis took it at one moment; if ``partial``, without those streams that had nothing the moment before.
    ``more`` are the labels of streams of which more could be read at once.
    """

    control: list[tuple[Label, list[RawEntry]]]
    data: list[tuple[Label, list[RawEntry]]]
    more: list[Label]
    partial: bool = False
    runs: list[tuple[Label, PointRun]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.control or self.data or self.runs)


class Streams(Generic[Label]):
    """Streams to follow: ``control`` (children lists, prepared, end) and ``data``.

    Positions move only when a reply has arrived as a whole, so after any error reading goes on where it was:
    nothing is lost, nothing comes twice.
    """

    control: Positions[Label]
    data: Positions[Label]

    def __init__(self, *, entries_per_reply: int, runs: bool = False) -> None:
        """With ``runs``, points may come as such."""
        self.control = Positions()
        self.data = Positions()
        self._entries_per_reply = entries_per_reply
        self._count = FIRST_BEFORE_RUNS if runs else FIRST_COUNT
        self._known = KnownRows() if runs else None
        self._is_behind = False

    def __len__(self) -> int:
        return len(self.control) + len(self.data)

    @property
    def has_data(self) -> bool:
        """Whether a stream of data is followed."""
        return bool(len(self.data))

    def add_data(self, stream: bytes, label: Label) -> bool:
        """From the first point; False when the stream is there already."""
        return self.data.add(stream, label)

    def remove(self, streams: Collection[bytes]) -> None:
        self.control.remove(streams)
        self.data.remove(streams)
        if self._known is not None:
            self._known.forget(streams)

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
        if self._is_behind and block_ms is None and (reply := self._read_runs(link)) is not None:
            return reply
        count = self._now_count()
        raw = self._asked(link, block_ms, count, self.control.packed(), self.data.packed_known())
        data = self.data.take(raw, count)
        control = self.control.take(data.others, count)
        if data.more and count == self._count:
            self._count = min(GROWTH * count, self._entries_per_reply)
        if data.more and self._known is not None:
            self._known.learn(self._data_among(raw), LEARNED_PER_REPLY)
        self._is_behind = bool(data.more)
        return Reply(control.streams, data.streams, data.more + control.more, partial=self.data.has_new)

    def _read_runs(self, link: Link) -> Reply[Label] | None:
        """The same by runs, None where they are not worth it, or Redis has an error to tell."""
        known, count = self._known, self._runs_count()
        if known is None or not count:
            return None
        found = self._asked_runs(link, known, count)
        if found is None:
            return None
        runs = self.data.take_runs(found[0], count)
        data = self.data.take(found[1], count)
        control = self.control.take(data.others, count)
        known.learn(self._data_among(found[1]), LEARNED_PER_REPLY)
        more = runs.more + data.more
        self._is_behind = bool(more)
        return Reply(control.streams, data.streams, more + control.more, self.data.has_new, runs.runs)

    def _runs_count(self) -> int:
        """How many entries of each stream to ask for; 0 where most of them are not known, or would be few."""
        known = self._known
        if not known or 2 * len(known) < len(self.data):
            return 0
        count = min(
            max(LEAST_RUN, RUNS_PER_ENTRY * self._entries_per_reply // len(known)),
            BYTES_PER_REPLY // max(known.nbytes, self.data.size_bytes),
            self._entries_per_reply // max(1, len(self.data) - len(known)),
        )
        return count if count >= SHORTEST_RUN else 0

    def _data_among(self, raw: Iterable[RawStream]) -> Iterator[RawStream]:
        return (stream for stream in raw if stream[0] in self.data and stream[1])

    def _look(self, link: Link, block_ms: int | None) -> bool:
        """Look at the first entry of streams of which nothing has come yet; False: nothing came in time."""
        if block_ms is None:
            self.data.look(self._asked(link, None, 1, self.data.packed_new()))
            return True
        found = self._asked(link, block_ms, 1, self.control.packed(), self.data.packed())
        self.data.look(found)
        return bool(found)

    def _asked(self, link: Link, block_ms: int | None, count: int, *packed: Packed) -> list[RawStream]:
        if not any(ids for _, ids in packed):
            return []
        command = _xread(count, block_ms, *packed)
        with no_collection() if block_ms is None else nullcontext():
            return link.call_packed(command) or []

    def _asked_runs(self, link: Link, known: KnownRows, count: int) -> Found | None:
        """Streams that are known come first: what follows one that is not as expected is taken apart."""
        command = _xread(
            count,
            None,
            self.data.packed_among(known),
            self.data.packed_among(known, others=True),
            self.control.packed(),
        )
        end = _xread(1, None, (bulk(next(iter(known))), [bulk(_NOTHING_NEW)]))
        with no_collection():
            return link.read(command + end, lambda receive_into: known.read(Incoming(receive_into, NOTHING)))

    def _now_count(self) -> int:
        most = max(LEAST_COUNT, self._entries_per_reply // max(1, len(self.data)))
        return max(1, min(self._count, most, BYTES_PER_REPLY // max(1, self.data.size_bytes)))


def _xread(count: int, block_ms: int | None, *packed: Packed) -> bytes:
    ids = [one for _, some in packed for one in some]
    arguments = 4 + 2 * len(ids) + (0 if block_ms is None else 2)
    block = b"" if block_ms is None else b"$5\r\nBLOCK\r\n" + bulk(b"%d" % block_ms)
    head = b"*%d\r\n$5\r\nXREAD\r\n$5\r\nCOUNT\r\n%b%b$7\r\nSTREAMS\r\n"
    return b"".join((head % (arguments, bulk(b"%d" % count), block), *(names for names, _ in packed), *ids))
