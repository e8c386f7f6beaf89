"""Going on with a scan whose writer was stopped or killed.

Nothing of the old entry is written to. It is set aside under another name, the entry is made anew as for any
scan, and fed from Redis; only points that Redis has no more are copied from the old entry, as far as they
were committed there. When the new entry has all of them, committed, the old one is removed. So a kill at
any moment leaves every committed point in one of the two, a half-made entry is simply replaced, and what a
resumed scan looks like cannot differ from what it would have been.

The entries set aside are called ``N.i_unfinished``, ``N.i_unfinished_2`` ...: more than one when resuming was
killed, too. An entry that is damaged so far that it cannot be said whose it is becomes ``N.i_damaged``, and
stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from nexus_writer.hdf5 import (
    EarlierPoints,
    EntryExists,
    FileBroken,
    has_item,
    has_own,
    item_in,
    live_file_of,
    rename_link,
    unlink,
)
from nexus_writer.model import Block, ChannelDescription, Scan

from .camera_data import CameraData
from .channel_data import ChannelData
from .earlier_entry import EarlierEntry, Standing, standing, unread
from .entry import Entry
from .numbered import numbered

MOST_GAP = 19
"""Names in a row that may lack, of entries that were removed, before the last one that there is."""
_ASIDE = "_unfinished"
_DAMAGED = "_damaged"


def is_saved(root: Any, scan: Scan, names: Sequence[str]) -> bool:
    """Whether there is nothing to do for a scan in its file: it is complete there, not allowed in, or being
    written by this process."""
    live = live_file_of(root)
    if live is not None and not live.entries.isdisjoint(names):
        return True
    found = [standing(root, name, scan) for name in names if has_own(root, name)]
    if Standing.FOREIGN in found:
        return True
    complete = bool(found) and all(one is Standing.COMPLETE for one in found)
    return complete and not any(_aside(root, scan, names))


def is_in(root: Any, scan: Scan, names: Sequence[str]) -> bool:
    """Whether a file holds anything of a scan, complete or not."""
    found = (standing(root, name, scan) for name in names if has_own(root, name))
    return any(one.is_own for one in found) or any(_aside(root, scan, names))


def set_damaged_aside(root: Any, scan: Scan, names: Sequence[str]) -> list[str]:
    """Make room for entries where what is there cannot be read; what was done, one line each.

    Raises ItemDamaged for an entry that HDF5 cannot even rename, and what it does where the root is damaged.
    """
    done = []
    for name in names:
        if has_own(root, name) and standing(root, name, scan) is Standing.DAMAGED:
            item_in(root, name)  # else HDF5 makes a second link, fails, and cannot remove the first one
            new_name = _free_name(root, f"{name}{_DAMAGED}")
            rename_link(root, name, new_name)
            done.append(f"{name} could not be read, it is {new_name} now, and the scan is saved anew")
    return done


class EarlierEntries:
    """What earlier writings of a scan left in its file, from :meth:`set_aside` on. Writer thread only."""

    def __init__(self, root: Any, warn: Callable[[str], None]) -> None:
        self._root = root
        self._warn = warn
        self._entries: dict[str, EarlierEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def set_aside(self, scan: Scan, names: Sequence[str], in_use: Iterable[str] = ()) -> None:
        """Make room for the entries ``names`` of a scan where what is there is its own and not complete.

        Raises EntryExists, and touches nothing, when it is not, and for those that are ``in_use``.
        """
        found = {name: standing(self._root, name, scan) for name in names if has_own(self._root, name)}
        aside = list(_aside(self._root, scan, names))
        resumed = bool(aside) or any(one in (Standing.UNFINISHED, Standing.BEGUN) for one in found.values())
        for name, one in found.items():
            if name in in_use or not one.is_own or not resumed:
                raise EntryExists(self._root.file.filename, name)
        for name in found:
            new_name = free_name_aside(self._root, name)
            rename_link(self._root, name, new_name)
            aside.append(new_name)
        self._entries = {name: EarlierEntry(self._root[name], self._warn) for name in aside}

    def look(self, scan: Scan, names: Sequence[str]) -> None:
        """Only look at what there is of the scan: nothing is touched."""
        own = [name for name in names if has_own(self._root, name)]
        mine = [name for name in own if standing(self._root, name, scan).is_own]
        aside = _aside(self._root, scan, names)
        self._entries = {name: EarlierEntry(self._root[name], self._warn) for name in (*mine, *aside)}

    def channels(self) -> Mapping[str, int]:
        """Committed points by channel key; only channels that have some."""
        points: dict[str, int] = {}
        for entry in self._entries.values():
            for key, channel in entry.channels.items():
                if channel.points:
                    points[key] = max(points.get(key, 0), channel.points)
        return points

    def describe(self, key: str) -> ChannelDescription | None:
        """A channel that has points here and that Redis does not know any more."""
        holding = (entry.describe(key) for entry in self._entries.values() if key in entry.channels)
        return next((found for found in holding if found is not None), None)

    def bring_all_over(
        self,
        channels: Mapping[str, tuple[Entry, ChannelData]],
        add: Callable[[ChannelDescription], None],
        append: Callable[[Mapping[str, Sequence[Block]]], None],
    ) -> str:
        """Redis has no more: ``append`` to ``channels`` what only the earlier entries have, ``add`` channels
        that Redis has forgotten, and remove the entries. What is left there, "" when nothing is."""
        for key in self.channels():
            if key not in channels and (description := self.describe(key)) is not None:
                add(description)
            if key in channels:
                entry, data = channels[key]
                for block in self.lacking(data, entry.scan_rank):
                    append({key: [block]})
        if self.are_in(channels):
            return ""
        return (
            f"points of an earlier writing could not be taken over, they stand in {', '.join(self._entries)}"
        )

    def lacking(self, data: ChannelData, scan_rank: int, stop: int | None = None) -> Iterator[Block]:
        """The points before ``stop`` that are here, and not in ``data`` at the time they are asked for."""
        if isinstance(data, CameraData):
            return
        for earlier in self._points_of(data, scan_rank):
            for low, high in unread(earlier, data.points, iter(data.gaps)):
                if stop is None or low < stop:
                    yield from earlier.blocks(
                        data.channel.key, low, high if stop is None else min(high, stop)
                    )

    def are_in(self, channels: Mapping[str, tuple[Entry, ChannelData]]) -> bool:
        """Whether all points that are here are in ``channels`` too, by channel key."""
        for key, points in self.channels().items():
            if key not in channels or channels[key][1].points < points:
                return False
            entry, data = channels[key]
            if data.gaps and next(self.lacking(data, entry.scan_rank), None) is not None:
                return False
        return all(entry.readable for entry in self._entries.values())

    def remove(self) -> None:
        """Nothing of them is needed any more."""
        names = list(self._entries)
        self._entries.clear()
        for name in names:
            try:
                unlink(self._root, name)
            except FileBroken:
                raise
            except Exception as error:  # it was damaged: its links cannot be followed
                self._warn(f"{name} is not needed any more and cannot be removed: {error}")

    def forget(self) -> None:
        """The file is being closed."""
        self._entries.clear()
        self._root = None

    def _points_of(self, data: ChannelData, scan_rank: int) -> Iterator[EarlierPoints]:
        for entry in self._entries.values():
            points = entry.points(data.channel.key, scan_rank, len(data.channel.shape))
            if points is not None:
                yield points


def _aside(root: Any, scan: Scan, names: Sequence[str]) -> Iterator[str]:
    """Entries of the scan that were set aside before."""
    for name in names:
        for aside in own_names_aside(root, name):
            if standing(root, aside, scan).is_own:
                yield aside


def is_aside(name: str) -> bool:
    """Whether a name is that of an entry that was set aside."""
    return re.fullmatch(rf".+{_ASIDE}(_\d+)?", name) is not None


def free_name_aside(root: Any, name: str) -> str:
    """What an entry that is to be set aside can be called."""
    return _free_name(root, f"{name}{_ASIDE}")


def own_names_aside(root: Any, name: str) -> Iterator[str]:
    """What was set aside from ``name``, as far as the names have no larger gap than ``MOST_GAP``."""
    lacking = 0
    for aside in numbered(f"{name}{_ASIDE}"):
        lacking = 0 if has_item(root, aside) else lacking + 1
        if lacking > MOST_GAP:
            return
        if not lacking and has_own(root, aside):
            yield aside


def _free_name(root: Any, name: str) -> str:
    return next(one for one in numbered(name) if not has_item(root, one))
