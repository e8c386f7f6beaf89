"""What a side file has of scans, for the links to it.

A side file may have hundreds of entries, and is looked at again and again while one more is written to it. An
entry that is complete is never written to again, so it is read once (some 4 ms each): it is the same one as
long as its name leads to the same place in the same file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import OpenFiles, own_addresses

from .earlier_entries import is_aside
from .earlier_entry import Standing, identity, standing_of
from .holder import look_at
from .points_report import EarlierReport

MOST_FILES_KNOWN = 100
"""Of those that were looked at before, nothing is remembered."""


@dataclass(frozen=True, slots=True)
class SideEntry:
    """An entry of a scan in a side file. ``points`` are those committed, of all channels."""

    side: Path
    name: str
    key: str
    start: str
    complete: bool
    points: int

    @property
    def target(self) -> tuple[str, str]:
        """File and path, as a link in a file of the same directory has them."""
        return self.side.name, f"/{self.name}"


_Known = Mapping[tuple[str, int], SideEntry]


class SideEntries:
    """Reads them, for all side files of a process. Writer thread only."""

    def __init__(self, files: OpenFiles) -> None:
        self._files = files
        self._complete: dict[Path, tuple[int, _Known]] = {}

    def best(self, sides: Sequence[Path]) -> list[SideEntry]:
        """One of each scan: the complete one, or else the one with the most points."""
        best: dict[tuple[str, str, str], SideEntry] = {}
        for side in sides:
            for entry in self._in(side):
                scan = (entry.name, entry.key, entry.start)
                if scan not in best or _worth(entry) >= _worth(best[scan]):
                    best[scan] = entry
        return list(best.values())

    def _in(self, side: Path) -> list[SideEntry]:
        number = side.stat().st_ino
        known_number, known = self._complete.pop(side, (number, {}))
        if known_number != number:
            known = {}
        entries = look_at(self._files, side, lambda root: _entries_in(root, side, known)) or {}
        while len(self._complete) >= MOST_FILES_KNOWN:
            del self._complete[next(iter(self._complete))]
        self._complete[side] = number, {place: entry for place, entry in entries.items() if entry.complete}
        return list(entries.values())


def committed(entry: Any) -> dict[str, tuple[int, list[tuple[int, int]]]]:
    """Points and gaps by the key of a channel."""
    if "writer/points/committed" not in entry:
        return {}
    report = EarlierReport(entry["writer/points"])
    return {key: (points, gaps) for key, _, points, gaps in report.rows()}


def _entries_in(root: Any, side: Path, known: _Known) -> dict[tuple[str, int], SideEntry]:
    found = {}
    for place in own_addresses(root).items():
        name = place[0]
        if place in known:
            found[place] = known[place]
        elif not is_aside(name) and (scan := identity(root, name)) is not None:
            complete = standing_of(root, name, *scan) is Standing.COMPLETE
            points = sum(points for points, _ in committed(root[name]).values())
            found[place] = SideEntry(side, name, *scan, complete, points)
    return found


def _worth(entry: SideEntry) -> tuple[bool, int]:
    return entry.complete, entry.points
