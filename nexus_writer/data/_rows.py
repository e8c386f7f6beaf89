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

_fields = itemgetter(1)
_value = itemgetter(-1)


class Rows:
    """All entries that look like ``fields``, whose last field is a pickle of this ``layout``.

    ``points`` is the number of points of an entry, ``point_shape`` the shape of one.
    """

    __slots__ = ("_content", "_dtype", "_head", "_native", "_row", "_shape", "_value", "_wide", "points")

    def __init__(self, fields: Sequence[bytes], layout: Layout, points: int) -> None:
        self.points = points
        self._head = list(fields[:-1])
        self._value = fields[-1]
        self._row = bytearray(b"".join(fields))
        offset = len(self._row) - len(self._value) + layout.offset
        content = np.dtype((layout.dtype, (layout.nbytes // layout.dtype.itemsize,)))
        if layout.shape == ():
            content = layout.dtype
        self._dtype = np.dtype(
            {"names": ["points"], "formats": [content], "offsets": [offset], "itemsize": len(self._row)}
        )
        self._content = slice(layout.offset, layout.offset + layout.nbytes)
        self._shape = layout.shape if points == 1 else layout.shape[1:]
        self._native = layout.dtype.newbyteorder("=")
        self._wide = layout.nbytes >= WIDE_BYTES

    def points_of(self, entries: Sequence[RawEntry]) -> npt.NDArray[Any] | None:
        """The points of all entries, (n,) + the shape of one; None when one entry differs."""
        points = self._wide_points(entries) if self._wide else self._narrow_points(entries)
        if points is None:
            return None
        if self._shape or self.points != 1:
            points = points.reshape((len(entries) * self.points, *self._shape))
        if points.dtype.kind == "b":
            return points.view(np.uint8).astype(bool)
        return points if points.dtype.isnative else points.astype(self._native)

    def _narrow_points(self, entries: Sequence[RawEntry]) -> npt.NDArray[Any] | None:
        count = len(entries)
        joined = b"".join(chain.from_iterable(map(_fields, entries)))
        if len(joined) != count * len(self._row):
            return None
        points = np.frombuffer(joined, self._dtype)["points"].copy()
        expected = self._row * count
        np.frombuffer(expected, self._dtype)["points"] = points
        return points if expected == joined else None

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
