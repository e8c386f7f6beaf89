"""Links from a file to the entries of its scans in side files.

What is to be linked stands in the side files themselves, and who linked it does not matter: any writer that
opens a file looks beside it, when it begins a scan and when it ends one, and so does a writer that starts,
for the scans that Redis still knows. So a kill at any moment costs nothing, and doing it twice does nothing.

An unfinished entry of the same scan that the file has under that name is set aside, and removed when the
side file has all of its points committed. What is of another scan is never touched.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import (
    FileDamaged,
    LiveFile,
    NotHdf5,
    OpenFiles,
    external_link,
    external_target,
    has_own,
    rename_link,
    unlink,
)

from .earlier_entries import free_name_aside, own_names_aside
from .earlier_entry import Standing, standing_of
from .entry_links import make_room
from .holder import is_side_file, look_at, side_files
from .side_entries import SideEntries, SideEntry, committed

logger = logging.getLogger(__name__)
RETRY_EVERY_S = 2.0
MOST_LOGGED = 1_000
"""Texts that are not logged again; of older ones nothing is known."""


class SideLinks:
    """Makes them, for all files of a process. Writer thread only; never raises.

    Files that are locked are tried again by :meth:`retry`.
    """

    def __init__(self, files: OpenFiles, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._entries = SideEntries(files)
        self._clock_s = clock_s
        self._waiting: dict[Path, None] = {}
        self._logged: dict[str, None] = {}
        self._retry_at_s = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def link(self, path: Path) -> None:
        """Link in the file at ``path`` what its side files hold and it does not."""
        sides = side_files(path)
        settled = True
        try:
            if sides and path.exists():
                if path in self._waiting:
                    self._files.refuse_locked(path)  # before the side files are read
                settled = self._link(path, sides)
        except (FileDamaged, NotHdf5):
            pass  # it stays as it is, until it is moved away
        except Exception as error:
            settled = False
            self._log(
                f"{path}: its side files are not linked, it is tried again: {_line(error)}", logging.INFO
            )
        if settled:
            self._waiting.pop(path, None)
        else:
            self._waiting[path] = None

    def retry(self) -> None:
        """Try the files that wait, all ``RETRY_EVERY_S`` at most."""
        if self._waiting and self._clock_s() >= self._retry_at_s:
            for path in list(self._waiting):
                self.link(path)
            self._retry_at_s = self._clock_s() + RETRY_EVERY_S

    def _link(self, path: Path, sides: Sequence[Path]) -> bool:
        """Whether there is nothing left to do."""
        entries = self._entries.best(sides)
        if look_at(self._files, path, lambda root: all(_is_settled(root, one) for one in entries)):
            return True
        beside = any(is_side_file(side, path) for side in sides)
        file = self._files.acquire(path, {}, locked=beside)
        try:
            settled = [self._link_entry(file, entry, sides) for entry in entries]
            file.flush()
        finally:
            self._files.release(file)
        return all(settled)

    def _link_entry(self, file: LiveFile, entry: SideEntry, sides: Sequence[Path]) -> bool:
        """Whether there is nothing left to do for this one."""
        root, name = file.root, entry.name
        if name in file.entries:
            return False
        if has_own(root, name):
            found = standing_of(root, name, entry.key, entry.start)
            if found is Standing.COMPLETE:
                return True
            if not found.is_own:
                is_damaged = found is Standing.DAMAGED
                what = "what is there cannot be read" if is_damaged else "something else has its name"
                self._log(f"{name} of {entry.side} is not linked in {file.path}: {what}")
                return True
            rename_link(root, name, free_name_aside(root, name))
        target = external_target(root, name)
        if target != entry.target:
            if target is not None and target[0] in [side.name for side in sides]:
                unlink(root, name)
            else:
                make_room(root, name)
            external_link(root, name, *entry.target)
            self._log(f"{name} of {entry.side} is linked in {file.path}", logging.INFO)
        return self._tidy(root, entry)

    def _tidy(self, root: Any, entry: SideEntry) -> bool:
        """Remove what was set aside of the scan and is in the side file, too. Whether no more is to come."""
        for aside in _aside(root, entry):
            covered = look_at(
                self._files,
                entry.side,
                lambda side_root, aside=aside: _covers(side_root[entry.name], root[aside]),  # type: ignore[misc]
            )
            if covered:
                unlink(root, aside)
            elif not entry.complete:
                return False
            else:
                self._log(f"{root.file.filename}::/{aside} has points that {entry.side} lacks: it stays")
        return True

    def _log(self, text: str, level: int = logging.WARNING) -> None:
        if text not in self._logged:
            self._logged[text] = None
            if len(self._logged) > MOST_LOGGED:
                del self._logged[next(iter(self._logged))]
            logger.log(level, "%s", text)


def _is_settled(root: Any, entry: SideEntry) -> bool:
    """Without a lock: whether the link is there, and nothing was set aside for it."""
    return external_target(root, entry.name) == entry.target and not _aside(root, entry)


def _aside(root: Any, entry: SideEntry) -> list[str]:
    aside = own_names_aside(root, entry.name)
    return [name for name in aside if standing_of(root, name, entry.key, entry.start).is_own]


def _covers(entry: Any, earlier: Any) -> bool:
    """Whether ``entry`` has all points that are committed in ``earlier``."""
    has = committed(entry)
    for key, (points, gaps) in committed(earlier).items():
        if not points:
            continue
        if key not in has or has[key][0] < points:
            return False
        if any(not _within(gap, gaps) for gap in has[key][1] if gap[0] < points):
            return False
    return True


def _within(gap: tuple[int, int], gaps: Sequence[tuple[int, int]]) -> bool:
    return any(start <= gap[0] and gap[1] <= stop for start, stop in gaps)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
