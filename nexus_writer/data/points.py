"""Points of one channel out of the entries of its data stream.

Values are numbers in this machine's byte order, or objects. What an entry says lies in its fields
``__DESC__`` (pickled description), ``__NPOINTS__`` and ``__DATA__`` (pickled value: one point, or an
array of points); its id is the index of its first point plus 1. Three ways lead to the points, from the
fastest to the most general, and all give the same: rows of entries that repeat each other (``_rows``),
one pickled number or array recognised by its bytes (``_numpy_patterns``), and the unpickler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block

from ._numpy_patterns import parse
from ._rows import KnownKinds, RawEntry, Rows
from ._values import points_in
from .description import OBJECT, PointDescription, decode_description, description
from .errors import Undecodable, UndecodablePickle
from .pickles import loads

__all__ = ["JOIN_BELOW_BYTES", "KnownKinds", "PointDecoder", "RawEntry", "decode_description"]

JOIN_BELOW_BYTES = 64 * 1024
"""Points of entries of at least this size stay in blocks of their own, without a copy."""

_FIELDS = 8
_MOST_PATTERNS = 8
_MOST_DESCRIPTIONS = 32

_entry_id = itemgetter(0)


@dataclass(slots=True)
class _Piece:
    """Points that lie together, before neighbours are joined into a block."""

    start: int
    values: npt.NDArray[Any]
    large: bool


class PointDecoder:
    """Decodes the entries of one channel, in the order of its stream, and remembers what they look like.

    Channels of one scan may share the ``kinds`` that they meet. Not for several threads at once.
    """

    def __init__(self, channel: str, kinds: KnownKinds | None = None) -> None:
        self.channel = channel
        self._kinds = kinds or KnownKinds()
        self._is_new = True
        self._rows: Rows | None = None
        self._patterns: dict[tuple[int, ...], Rows] = {}
        self._descriptions: dict[bytes, PointDescription] = {}
        self._last_sizes: tuple[int, ...] = ()

    def decode(self, entries: Sequence[RawEntry]) -> list[Block]:
        """Blocks of consecutive points of one dtype and shape, in the order of the entries.

        A gap in the ids, another dtype or another shape starts the next block; so does each entry of
        ``JOIN_BELOW_BYTES`` or more, whose values are a read-only and unaligned view of its bytes.
        Entries that hold no points (a camera's status, 0 points) are left out. The entries must come
        from one reply, or consecutive ones: Redis' rule that ids increase is relied upon.

        Raises ``Undecodable``; its ``decoded`` are the blocks in front of the bad entry.
        """
        rows = self._rows or self._first_rows(entries)
        if rows is not None and entries:
            values = rows.points_of(entries)
            start = _start_of_run(entries, rows.points) if values is not None else None
            if values is not None and start is not None:
                self._rows = rows
                return [Block(self.channel, start, values)]
        pieces: list[_Piece] = []
        try:
            for piece in self._pieces(entries):
                pieces.append(piece)
        except UndecodablePickle as error:
            raise Undecodable(self.channel, error.why, self._blocks(pieces)) from error
        return self._blocks(pieces)

    def learn(self, entry: RawEntry) -> Rows | None:
        """Rows like this entry, None where they cannot be told."""
        rows = self._kinds.find(entry)
        if rows is None:
            with suppress(UndecodablePickle):  # said when the entry is decoded by itself
                rows = self._rows_like(entry)
            if rows is not None:
                self._kinds.add(rows)
        return rows

    def _first_rows(self, entries: Sequence[RawEntry]) -> Rows | None:
        """Before anything is known of the channel: rows like the first of several entries."""
        if not self._is_new or len(entries) < 2:
            return None
        self._is_new = False
        return self.learn(entries[0])

    def _pieces(self, entries: Sequence[RawEntry]) -> Iterator[_Piece]:
        """Runs of entries whose fields have the same lengths are likely to be rows."""
        for sizes, group in groupby(entries, _sizes):
            run = list(group)
            rows, values = self._as_rows(sizes, run)
            if rows is not None and values is not None:
                yield from _split_at_gaps(run, values, rows.points)
                continue
            for entry in run:
                piece = self._piece(entry)
                if piece is not None:
                    yield piece

    def _as_rows(
        self, sizes: tuple[int, ...], run: Sequence[RawEntry]
    ) -> tuple[Rows | None, npt.NDArray[Any] | None]:
        """A pattern that all entries follow, and their points; what is met twice is worth learning."""
        rows = self._patterns.get(sizes)
        values = rows.points_of(run) if rows is not None else None
        if values is None and (len(run) > 1 or sizes == self._last_sizes):
            rows = self._rows_like(run[0])
            values = rows.points_of(run) if rows is not None else None
            if rows is not None and values is not None:
                if len(self._patterns) >= _MOST_PATTERNS:
                    self._patterns.clear()
                self._patterns[sizes] = rows
        self._last_sizes = sizes
        if values is not None:
            self._rows = rows
        return rows, values

    def _rows_like(self, entry: RawEntry) -> Rows | None:
        """Rows like this entry, when its points are numbers and few enough to be joined."""
        fields = entry[1]
        if len(fields) != _FIELDS or fields[-2] != b"__DATA__":
            return None
        layout = parse(fields[-1])
        if layout is None or not 0 < layout.nbytes < JOIN_BELOW_BYTES:
            return None
        piece = self._piece(entry)
        if piece is None or piece.values.dtype != layout.dtype.newbyteorder("="):
            return None
        return Rows(fields, layout, len(piece.values))

    def _piece(self, entry: RawEntry) -> _Piece | None:
        """The points of one entry; None when it has none."""
        fields = entry[1]
        named = dict(zip(fields[::2], fields[1::2], strict=False))
        if named.get(b"__EVENT__") != b"CHANNELDATA":
            return None
        try:
            data, points = named[b"__DATA__"], int(named[b"__NPOINTS__"])
            described = self._described(named[b"__DESC__"])
        except KeyError as missing:
            raise UndecodablePickle(f"an event without {missing.args[0].decode()}") from None
        except ValueError:
            raise UndecodablePickle("a number of points that is not a number") from None
        if points <= 0:
            return None
        values = _recognised(data, points) if described.dtype != OBJECT else None
        if values is None:
            values = points_in(loads(data), points, described)
        return _Piece(_first_point(entry[0]), values, len(data) >= JOIN_BELOW_BYTES)

    def _described(self, data: bytes) -> PointDescription:
        described = self._descriptions.get(data)
        if described is None:
            if len(self._descriptions) >= _MOST_DESCRIPTIONS:
                self._descriptions.clear()
            described = self._descriptions[data] = description(data)
        return described

    def _blocks(self, pieces: Sequence[_Piece]) -> list[Block]:
        blocks = []
        parts: list[_Piece] = []
        for piece in pieces:
            if parts and not _continues(parts[-1], piece):
                blocks.append(self._joined(parts))
                parts = []
            parts.append(piece)
        if parts:
            blocks.append(self._joined(parts))
        return blocks

    def _joined(self, parts: Sequence[_Piece]) -> Block:
        values = parts[0].values if len(parts) == 1 else np.concatenate([part.values for part in parts])
        return Block(self.channel, parts[0].start, values)


def _sizes(entry: RawEntry) -> tuple[int, ...]:
    return tuple(map(len, entry[1]))


def _first_point(entry_id: bytes) -> int:
    """Index of the first point of an entry, from its id ``<index + 1>-0``."""
    try:
        return int(entry_id.partition(b"-")[0]) - 1
    except ValueError:
        raise UndecodablePickle(f"an id that is not the index of a point: {entry_id!r:.40}") from None


def _start_of_run(entries: Sequence[RawEntry], points: int) -> int | None:
    """Index of the first point, when each entry of ``points`` points follows the one before.

    Ids increase, so n single points lie together when all ids end in ``-0`` and the last one is n - 1
    above the first.
    """
    try:
        first, last = int(entries[0][0][:-2]) - 1, int(entries[-1][0][:-2]) - 1
    except ValueError:
        return None
    count = len(entries)
    if last != first + (count - 1) * points:
        return None
    if points > 1:
        expected = [b"%d-0" % id_ for id_ in range(first + 1, last + 2, points)]
        return first if [entry[0] for entry in entries] == expected else None
    return first if b"".join(map(_entry_id, entries)).count(b"-0") == count else None


def _split_at_gaps(entries: Sequence[RawEntry], values: npt.NDArray[Any], points: int) -> Iterator[_Piece]:
    start = _start_of_run(entries, points)
    if start is not None:
        yield _Piece(start, values, large=False)
        return
    starts = [_first_point(entry[0]) for entry in entries]
    begin = 0
    for index in range(1, len(starts) + 1):
        if index == len(starts) or starts[index] != starts[index - 1] + points:
            yield _Piece(starts[begin], values[begin * points : index * points], large=False)
            begin = index


def _continues(before: _Piece, piece: _Piece) -> bool:
    return (
        not before.large
        and not piece.large
        and before.start + len(before.values) == piece.start
        and before.values.dtype == piece.values.dtype
        and before.values.shape[1:] == piece.values.shape[1:]
    )


def _recognised(data: bytes, points: int) -> npt.NDArray[Any] | None:
    """The numbers in a pickle that ``parse`` knows; a view of its bytes when these are many."""
    layout = parse(data)
    if layout is None:
        return None
    count = layout.nbytes // layout.dtype.itemsize
    values = np.frombuffer(data, layout.dtype, count, layout.offset).reshape(layout.shape)
    if values.dtype.kind == "b":
        values = values.view(np.uint8).astype(bool)
    if points == 1:
        values = values[np.newaxis]
    elif layout.shape[:1] != (points,):
        raise UndecodablePickle(f"{points} points announced, an array of shape {layout.shape} found")
    if len(data) >= JOIN_BELOW_BYTES and values.dtype.isnative:
        return values
    return values.astype(layout.dtype.newbyteorder("="))
