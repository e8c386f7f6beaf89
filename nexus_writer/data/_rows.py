"""Entries of one channel that differ in nothing but the points: decoded together.

A channel's entries repeat their field names, description and the frame of the pickled value byte for
byte. Once one of them was understood, the others are checked and cut out together: the fields of all
entries are joined, the points copied out of the rows, and the rows compared with the same number of
copies of the first one. That costs some 0.2 us an entry where unpickling costs 3 us.

Joining forgets where a field ends. Entries whose fields are cut elsewhere but join to exactly the same
bytes would pass; they decode to the points that the bytes hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from ._numpy_patterns import Layout

RawEntry = Sequence[Any]
"""``[id, [field, value, field, value, ...]]``, all bytes, as hiredis gives an entry of XREAD (RESP2)."""

WIDE_BYTES = 512
"""From here on the points of an entry are copied once instead of being compared in rows."""

MOST_KINDS = 16

_fields = itemgetter(1)
_join = b"".join
_flatten = chain.from_iterable
_frombuffer = np.frombuffer


class Rows:
    """All entries that look like ``fields``, whose last field is a pickle of this ``layout``.

    ``points`` is the number of points of an entry, ``point_shape`` the shape of one.
    """

    __slots__ = (
        "_as_copied",
        "_content",
        "_dtype",
        "_head",
        "_row",
        "_shape",
        "_value",
        "content_type",
        "fields",
        "is_wide",
        "layout",
        "points",
    )

    def __init__(self, fields: Sequence[bytes], layout: Layout, points: int) -> None:
        self.fields = fields
        self.layout = layout
        self.points = points
        self._head = list(fields[:-1])
        self._value = fields[-1]
        self._row = bytearray(b"".join(fields))
        offset = len(self._row) - len(self._value) + layout.offset
        content = np.dtype((layout.dtype, (layout.nbytes // layout.dtype.itemsize,)))
        if layout.shape == ():
            content = layout.dtype
        self.content_type = content
        self._dtype = np.dtype(
            {"names": ["points"], "formats": [content], "offsets": [offset], "itemsize": len(self._row)}
        )
        self._content = slice(layout.offset, layout.offset + layout.nbytes)
        self._shape = layout.shape if points == 1 else layout.shape[1:]
        plain = layout.dtype.isnative and layout.dtype.kind != "b"
        self._as_copied = plain and not layout.shape
        self.is_wide = layout.nbytes >= WIDE_BYTES

    def is_like(self, entry: RawEntry) -> bool:
        """Whether that entry is one of these: it repeats all but the points."""
        *others, value = entry[1]
        start, stop = self._content.start, self._content.stop
        return (
            len(value) == len(self._value)
            and others == self._head
            and value.startswith(self._value[:start])
            and value.endswith(self._value[stop:])
        )

    def points_of(self, entries: Sequence[RawEntry]) -> npt.NDArray[Any] | None:
        """The points of all entries, (n,) + the shape of one; None when one entry differs."""
        if self.is_wide:
            points = self._wide_points(entries)
        else:
            count, dtype = len(entries), self._dtype
            joined = _join(_flatten(map(_fields, entries)))
            if len(joined) != count * dtype.itemsize:
                return None
            points = _frombuffer(joined, dtype)["points"].copy()
            expected = self._row * count
            _frombuffer(expected, dtype)["points"] = points
            if expected != joined:
                return None
        return None if points is None else self.finished(points, len(entries))

    def finished(self, points: npt.NDArray[Any], entries: int) -> npt.NDArray[Any]:
        """The contents of so many entries as points: of their shape, in this machine's byte order, booleans
        as 0 or 1 whatever byte stands for them."""
        if self._as_copied:
            return points
        points = points.reshape((entries * self.points, *self._shape))
        if points.dtype.kind == "b":
            return points.view(np.uint8).astype(bool)
        return points.astype(points.dtype.newbyteorder("="), copy=False)

    def _wide_points(self, entries: Sequence[RawEntry]) -> npt.NDArray[Any] | None:
        head, content, size = self._head, self._content, len(self._value)
        prefix, suffix = self._value[: content.start], self._value[content.stop :]
        parts = []
        for _, fields in entries:
            value = fields[-1]
            if len(value) != size or not value.startswith(prefix) or not value.endswith(suffix):
                return None
            if fields[:-1] != head:
                return None
            parts.append(memoryview(value)[content])
        return np.frombuffer(bytearray().join(parts), self._dtype["points"].base)


class KnownKinds:
    """Rows that were met in some channels: those of others are mostly the same. One thread only."""

    def __init__(self) -> None:
        self._rows: list[Rows] = []

    def find(self, entry: RawEntry) -> Rows | None:
        """Those that the entry is one of."""
        for rows in self._rows:
            if rows.is_like(entry):
                return rows
        return None

    def add(self, rows: Rows) -> None:
        """The oldest are forgotten where there are many."""
        self._rows = [rows, *self._rows[: MOST_KINDS - 1]]
