"""Points out of the bytes of a reply: no object is made of an entry.

A parser makes ten objects of an entry, which is most of what reading costs. Entries of a channel differ in
nothing but their ids, which count on, and their points. So when one entry was understood, the bytes of those
that follow are known but for the points: these are cut out, and all else is compared, many entries at a time.
From the first entry on that is not as expected, the rest of the reply goes through the parser.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._incoming import Incoming
from ._rows import MOST_KINDS, RawEntry, Rows
from .points import PointDecoder

MOST_MISSES = 16
"""A stream whose entries are not as expected so often is left to the parser."""

EXPECTED_NBYTES = 2**17
MOST_EXPECTED = 8
"""Pieces of so many bytes, for the next channels of the same reply."""

RawStream = list[Any]
"""``[name, [entry, entry, ...]]``."""
_ID = re.compile(rb"\*2\r\n\$\d+\r\n([1-9]\d{0,17})-0\r\n")
_ID_NBYTES = 40
_STREAM = re.compile(rb"\*2\r\n\$(\d+)\r\n([^\r]+)\r\n\*(\d+)\r\n")


@dataclass(frozen=True, slots=True)
class PointRun:
    """Entries of a channel that follow each other, and their points, from the index ``start`` on."""

    start: int
    values: npt.NDArray[Any]
    entries: int
    last_id: bytes


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class _Row:
    """Entries whose ids have the same length: what comes before the points, and where what lies; at ``most``
    so many are compared at once."""

    head: bytes
    head_type: np.dtype[Any]
    type: np.dtype[Any]
    most: int


class WireRows:
    """Entries that look like those of ``rows``, as they come from Redis."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        *others, value = rows.fields
        content = rows.layout.offset
        start = b"".join((b"*%d\r\n" % len(rows.fields), *map(bulk, others), b"$%d\r\n" % len(value)))
        self._before = start + value[:content]
        self._after = value[content + rows.layout.nbytes :] + b"\r\n"
        self._by_digits: dict[int, _Row] = {}
        self._expected: dict[tuple[int, int], bytearray] = {}
        self.nbytes = self._row(6).type.itemsize
        """Of an entry, about."""

    def is_like(self, entry: RawEntry) -> bool:
        """Whether that entry looks like these."""
        return self._rows.is_like(entry)

    def take(self, incoming: Incoming, entries: int) -> PointRun | None:
        """The next entries of a reply; None, and they stay there, when they are not as expected."""
        if not incoming.has(_ID_NBYTES):
            return None
        match = incoming.match(_ID)
        if match is None:
            return None
        first, step = int(match[1]), self._rows.points
        parts: list[npt.NDArray[Any]] = []
        done = offset = 0
        while done < entries:
            next_id = first + done * step
            digits = len(b"%d" % next_id)
            row = self._row(digits)
            count = min(entries - done, -((next_id - 10**digits) // step), row.most)
            nbytes = count * row.type.itemsize
            if not incoming.has(offset + nbytes):
                return None
            points = self._points(incoming.view(offset, nbytes), row, next_id, count)
            if points is None:
                return None
            parts.append(points)
            done, offset = done + count, offset + nbytes
        incoming.skip(offset)
        values = self._rows.finished(_joined(parts), entries)
        last_id = b"%d-0" % (first + (entries - 1) * step)
        return PointRun(first - 1, values, entries, last_id)

    def _points(self, data: memoryview, row: _Row, first_id: int, count: int) -> npt.NDArray[Any] | None:
        raw = np.frombuffer(data, row.type)
        points = raw["points"].copy()
        expected = self._expected.get((first_id, count)) or self._expect(row, first_id, count)
        if self._rows.is_wide:
            if raw["head"].tobytes() != expected or raw["tail"].tobytes() != self._after * count:
                return None
        else:
            np.frombuffer(expected, row.type)["points"] = points
            if expected != data:
                return None
        return points

    def _expect(self, row: _Row, first_id: int, count: int) -> bytearray:
        """What is to come for so many entries: all of it, with any points, or where these are wide what lies
        before them. Kept for the other channels of the reply, that have the same ids."""
        ids = np.array([b"%d-0" % (first_id + index * self._rows.points) for index in range(count)])
        if self._rows.is_wide:
            expected = bytearray(row.head) * count
            np.frombuffer(expected, row.head_type)["id"] = ids
        else:
            content = bytes(row.type["points"].itemsize)
            expected = bytearray(row.head + content + self._after) * count
            np.frombuffer(expected, row.type)["head"].view(row.head_type)["id"] = ids
        if len(expected) <= EXPECTED_NBYTES:
            if len(self._expected) >= MOST_EXPECTED:
                self._expected.clear()
            self._expected[first_id, count] = expected
        return expected

    def _row(self, digits: int) -> _Row:
        row = self._by_digits.get(digits)
        if row is None:
            before_id = b"*2\r\n$%d\r\n" % (digits + 2)
            head = b"".join((before_id, bytes(digits + 2), b"\r\n", self._before))
            content = self._rows.content_type
            formats = [f"V{len(head)}", content, f"V{len(self._after)}"]
            head_type = np.dtype(
                {
                    "names": ["id"],
                    "formats": [f"S{digits + 2}"],
                    "offsets": [len(before_id)],
                    "itemsize": len(head),
                }
            )
            row_type = np.dtype({"names": ["head", "points", "tail"], "formats": formats})
            most = sys.maxsize if self._rows.is_wide else max(1, EXPECTED_NBYTES // row_type.itemsize)
            row = self._by_digits[digits] = _Row(head, head_type, row_type, most)
        return row


Found = tuple[list[tuple[bytes, PointRun]], list[RawStream]]
"""Runs of points by the names of their streams, and what came through the parser."""


class KnownRows:
    """What the entries of streams look like, learned from those that came."""

    def __init__(self) -> None:
        self._decoder = PointDecoder("")
        self._kinds: dict[Rows, WireRows] = {}
        self._rows: dict[bytes, WireRows] = {}
        self._misses: dict[bytes, int] = {}
        self.nbytes = 0
        """Of one entry of each stream that is known, about."""

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, stream: object) -> bool:
        return stream in self._rows

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._rows)

    def learn(self, streams: Iterable[RawStream], most: int) -> None:
        """Entries of data streams came through the parser: see what they are like, up to so many that are
        like none before."""
        for name, entries in streams:
            rows = self._rows.get(name)
            misses = self._misses.get(name, 0)
            if misses >= MOST_MISSES or (rows is not None and rows.is_like(entries[-1])):
                continue
            learned = self._decoder.learn(entries[-1])
            if learned is None:
                self._misses[name] = misses + 1
            known = self._kinds.get(learned) if learned is not None else None
            if known is None:
                known = self._new_kind(learned)
                most -= 1
            self._set(name, known)
            if not most:
                return

    def _new_kind(self, learned: Rows | None) -> WireRows | None:
        if learned is None:
            return None
        if len(self._kinds) >= MOST_KINDS:
            self._kinds.clear()
        known = self._kinds[learned] = WireRows(learned)
        return known

    def forget(self, streams: Iterable[bytes]) -> None:
        """They are not read any more."""
        for name in streams:
            self._set(name, None)
            self._misses.pop(name, None)

    def read(self, incoming: Incoming) -> Found | None:
        """A reply to XREAD: runs of points by the names of their streams, and the rest through the parser.

        None for an error.
        """
        runs: list[tuple[bytes, PointRun]] = []
        if incoming.has(1) and bytes(incoming.view(0, 1)) != b"*":
            incoming.parsed()
            return None
        streams = int(incoming.line()[1:])
        for index in range(streams):
            name, entries = _next_stream(incoming)
            rows = self._rows.get(name)
            run = None if rows is None else rows.take(incoming, entries)
            if run is None:
                self._miss(name)
                before = b"*%d\r\n*2\r\n%b*%d\r\n" % (streams - index, bulk(name), entries)
                return runs, incoming.parsed(before)
            runs.append((name, run))
        incoming.finish()
        return runs, []

    def _miss(self, stream: bytes) -> None:
        """Its entries were not as expected."""
        if stream in self._rows:
            self._misses[stream] = self._misses.get(stream, 0) + 1
            if self._misses[stream] >= MOST_MISSES:
                self._set(stream, None)

    def _set(self, stream: bytes, rows: WireRows | None) -> None:
        before = self._rows.pop(stream, None)
        self.nbytes -= 0 if before is None else before.nbytes
        if rows is not None:
            self._rows[stream] = rows
            self.nbytes += rows.nbytes


def _next_stream(incoming: Incoming) -> tuple[bytes, int]:
    """Its name, and how many entries follow."""
    match = incoming.match(_STREAM)
    if match is not None and len(match[2]) == int(match[1]):
        incoming.skip(len(match[0]))
        return match[2], int(match[3])
    incoming.line()
    name_nbytes = int(incoming.line()[1:])
    incoming.has(name_nbytes + 2)
    name = bytes(incoming.view(0, name_nbytes))
    incoming.skip(name_nbytes + 2)
    return name, int(incoming.line()[1:])


def bulk(argument: bytes) -> bytes:
    """A text of Redis in the form in which it goes over the wire."""
    return b"$%d\r\n%b\r\n" % (len(argument), argument)
