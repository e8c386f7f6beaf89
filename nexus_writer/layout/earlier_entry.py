"""An entry that is in the file already: whose it is, whether it is complete, and its points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nexus_writer.hdf5 import (
    EarlierPoints,
    FileBroken,
    ItemDamaged,
    datasets_by_attribute,
    item_in,
    names_in_group,
    text_at,
)
from nexus_writer.model import ChannelDescription, Scan

from .channel_data import FULL_NAME
from .padding import SUFFIX
from .points_report import EarlierReport
from .writer_note import UNFINISHED, Status


class Standing(Enum):
    """What an entry is to a scan that is to be saved under its name."""

    FOREIGN = "of another scan, or of another program: it is never touched"
    COMPLETE = "of this scan, and nothing is to be added"
    UNFINISHED = "of this scan, whose writer was stopped or killed"
    BEGUN = "made by a writer that was killed at that moment: it holds nothing yet"
    DAMAGED = "there, and cannot be read so far that it could be said whose it is"

    @property
    def is_own(self) -> bool:
        """It is known to be of this scan."""
        return self not in (Standing.FOREIGN, Standing.DAMAGED)


def standing(root: Any, name: str, scan: Scan) -> Standing:
    """Of what is called ``name`` in ``root`` itself. An entry is the scan's when node and start time are; a
    scan without start time has no entry yet."""
    return standing_of(root, name, scan.key, scan.start.isoformat() if scan.start is not None else None)


def standing_of(root: Any, name: str, key: str, start: str | None) -> Standing:
    """The same, of a scan known by its key and start time alone."""
    try:
        group = item_in(root, name)
        if text_at(group, "writer/scan") == key:
            if text_at(group, "start_time") != start:
                return Standing.FOREIGN
            return Standing.COMPLETE if _is_complete(group) else Standing.UNFINISHED
        if (members := names_in_group(group)) is None:
            return Standing.FOREIGN
        empty = not members or members == {"title"}
        begun = members.isdisjoint(("measurement", "end_time")) and not text_at(group, "writer/status")
        mine = start is not None and text_at(group, "start_time") == start
        return Standing.BEGUN if empty or (mine and begun) else Standing.FOREIGN
    except ItemDamaged:
        return Standing.DAMAGED


def identity(root: Any, name: str) -> tuple[str, str] | None:
    """Key and start time of the scan that an entry is of; None where it does not say so."""
    try:
        group = item_in(root, name)
        key, start = text_at(group, "writer/scan"), text_at(group, "start_time")
    except ItemDamaged:
        return None
    return None if key is None or start is None else (key, start)


def _is_complete(group: Any) -> bool:
    """Where a damaged status does not tell, what Redis still has is written once more."""
    try:
        final = text_at(group, "writer/status") in [status.value for status in Status if status.is_final]
        return final and not text_at(group, UNFINISHED)
    except ItemDamaged:
        return False


@dataclass(frozen=True, slots=True)
class EarlierChannel:
    """A channel in an earlier entry: so many points of it were committed."""

    key: str
    name: str
    points: int
    gaps: tuple[tuple[int, int], ...]


class EarlierEntry:
    """The points that are committed in an unfinished entry. What cannot be read is told to ``warn``."""

    def __init__(self, group: Any, warn: Callable[[str], None]) -> None:
        self._group = group
        self._warn = warn
        self.channels: dict[str, EarlierChannel] = {}
        self._datasets: Any = None
        self.readable = self._attempt("the counts", self._read_report)

    def describe(self, key: str) -> ChannelDescription | None:
        """A channel of which Redis knows nothing any more; None where the entry has no points of it."""
        channel = self.channels[key]
        found: list[ChannelDescription] = []

        def look() -> None:
            place = self._places().get(channel.name)
            if place is not None:
                dataset = place[0][place[1]]
                unit = dataset.attrs.get("units")
                shape = dataset.shape[min(1, dataset.ndim) :]
                found.append(ChannelDescription(key, channel.name, dataset.dtype, shape, unit))

        self._attempt(channel.name, look)
        return found[0] if found else None

    def points(self, key: str, scan_rank: int, point_rank: int) -> EarlierPoints | None:
        """Its committed points; None where there are none that can be read."""
        channel = self.channels.get(key)
        if channel is None or not channel.points:
            return None
        found: list[EarlierPoints] = []

        def look() -> None:
            place = self._places().get(channel.name)
            if place is None:
                return
            group, name = place
            dataset = group[name]
            mask = group.get(name + SUFFIX)
            rank = min(1, dataset.ndim - point_rank) if scan_rank == 0 else scan_rank
            found.append(EarlierPoints(dataset, mask, channel.points, channel.gaps, scan_rank=rank))

        self._attempt(channel.name, look)
        return found[0] if found else None

    def _places(self) -> Any:
        if self._datasets is None:
            self._datasets = datasets_by_attribute(self._group["instrument"], FULL_NAME)
        return self._datasets

    def _read_report(self) -> None:
        if "writer/points" not in self._group:
            return
        for key, name, points, gaps in EarlierReport(self._group["writer/points"]).rows():
            self.channels[key] = EarlierChannel(key, name, points, tuple(gaps))

    def _attempt(self, what: str, look: Callable[[], None]) -> bool:
        """Whether it went well; a file that was damaged costs what it hides and no more."""
        try:
            look()
        except FileBroken:
            raise
        except Exception as error:
            self._warn(f"{what} of the earlier writing cannot be read: {type(error).__name__}: {error}")
            return False
        return True


def unread(earlier: EarlierPoints, points: int, gaps: Iterator[tuple[int, int]]) -> list[tuple[int, int]]:
    """What of ``earlier`` a dataset lacks that has ``points`` and ``gaps``."""
    lacking = [*gaps, (points, earlier.points)]
    return [part for start, stop in lacking if start < stop for part in earlier.ranges(start, stop)]
