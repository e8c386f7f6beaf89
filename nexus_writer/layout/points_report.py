"""How many points of each channel an entry was to have, has and lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from nexus_writer.hdf5 import Counts, GrowingDataset, create_group, unlink, write_value
from nexus_writer.model import Block, ChannelDescription

_COLUMNS = {"columns": ["channel", "first", "last"]}


class Reported(Protocol):
    """The points of a channel. ``points`` is the index after the last one, ``gaps`` the [start, stop) of what
    lies before it and never came."""

    @property
    def channel(self) -> ChannelDescription: ...
    @property
    def points(self) -> int: ...
    @property
    def gaps(self) -> Sequence[tuple[int, int]]: ...


@dataclass(frozen=True, slots=True)
class Absent:
    """A channel that the scan announced and that never appeared; its key is not known."""

    name: str
    points: int = 0
    gaps: Sequence[tuple[int, int]] = ()

    @property
    def channel(self) -> ChannelDescription:
        return ChannelDescription("", self.name, np.dtype(object), (), None)


class PointsReport:
    """The NXcollection ``points`` of a writer's note, a row for each channel.

    ``committed`` is what may be relied on after a kill: it is written after the flush that brought the points
    into the file, never before, so the file holds at least so many of each.
    """

    def __init__(self, note: Any, expected: int, channels: int) -> None:
        """``expected`` points of each channel, 0 when unknown; as many ``channels`` are announced."""
        group = self._group = create_group(note, "points", "NXcollection")
        text, rows = np.dtype(object), (max(1, channels),)
        self._names = GrowingDataset(group, "channel", text, (), scan_shape=rows)
        self._keys = GrowingDataset(group, "key", text, (), scan_shape=rows)
        self._expected = Counts(group, "expected", channels)
        self._committed = Counts(group, "committed", channels)
        self._npoints = expected
        self._counts: list[int] = []
        self._missing: list[tuple[int, int, int]] = []

    def stage(self, channels: Collection[Reported]) -> None:
        """The points of ``channels`` are about to be flushed, and what they lack with them: a count that is
        committed never hides a gap. New channels, behind those of the call before, get their row, without a
        point: so one that has none needs no second flush. Raises FileBroken."""
        self._add_rows([channel.channel for channel in channels][len(self._counts) :])
        missing = _missing(channels)
        if missing != self._missing:
            write_value(self._group, "missing", np.array(missing, np.int64).reshape(-1, 3), _COLUMNS)
            self._missing = missing

    def commit(self, channels: Collection[Reported]) -> bool:
        """Their points so far have been flushed; whether there is something to flush now.

        ``channels`` are those of ``stage``. Raises FileBroken.
        """
        counts = [channel.points for channel in channels]
        if counts == self._counts:
            return False
        self._committed.write(counts)
        self._counts = counts
        return True

    def finish(self, channels: Collection[Reported], expected: int) -> None:
        """No more points will come: what did, and what did not."""
        if not channels:
            return
        missing = np.zeros(len(channels), dtype=np.int64)
        for row, first, last in _missing(channels):
            missing[row] += last - first + 1
        received = np.array([channel.points for channel in channels], dtype=np.int64) - missing
        write_value(self._group, "received", received)
        self.stage(channels)
        if not self._missing:
            unlink(self._group, "missing")
        self._npoints = expected
        self._expected.write([expected] * len(channels))

    def _add_rows(self, new: Sequence[ChannelDescription]) -> None:
        if not new:
            return
        known = len(self._counts)
        for column, texts in (
            (self._names, [channel.name for channel in new]),
            (self._keys, [channel.key for channel in new]),
        ):
            column.append([Block("", known, np.array(texts, dtype=object))])
        self._counts += [0] * len(new)
        self._expected.write([self._npoints] * len(self._counts))
        self._committed.write(self._counts)


class EarlierReport:
    """What an earlier writing committed, in the group ``points`` of its note."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def rows(self) -> Iterator[tuple[str, str, int, list[tuple[int, int]]]]:
        """Key, name, committed points and gaps among them, [start, stop) each, of every channel."""
        group = self._group
        keys, names = (group[column].asstr()[()] for column in ("key", "channel"))
        committed = group["committed"][()].tolist()
        missing = group["missing"][()].tolist() if "missing" in group else []
        for row, (key, name, points) in enumerate(zip(keys, names, committed, strict=False)):
            gaps = [(first, last + 1) for channel, first, last in missing if channel == row]
            yield key, name, points, gaps


def _missing(channels: Collection[Reported]) -> list[tuple[int, int, int]]:
    return [(row, start, stop - 1) for row, channel in enumerate(channels) for start, stop in channel.gaps]
