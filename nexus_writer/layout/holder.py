"""The file that holds a scan's entries: its own, or a side file beside it.

* A damaged file is left as it is: what it holds may still be saved by hand. The scan is written, from the
  first point that Redis has, into ``NAME_rebuilt.h5``, and so are later scans, until somebody moves the
  damaged file away; then its name is free for a new one. Where nothing but the entry of the scan cannot be
  read, that gets another name; a file in which it cannot have one is damaged, too.
* A file that another process has open for writing is waited for. Who can wait no longer, because Redis keeps
  only so much, asks for a place ``beside``: ``NAME_beside.h5``, or the next number where that is taken, too.
  The scan is linked in its own file later on, see :mod:`.side_links`.

A scan that was begun in one of them is gone on with there.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from nexus_writer.hdf5 import (
    FileBroken,
    FileDamaged,
    FileLocked,
    Hdf5Error,
    ItemDamaged,
    LiveFile,
    NotHdf5,
    OpenFiles,
    has_item,
    look_into,
)
from nexus_writer.model import Scan

from .earlier_entries import EarlierEntries, is_in, is_saved, set_damaged_aside
from .numbered import numbered

MOST_FILES = 9
REBUILT, BESIDE = "_rebuilt", "_beside"
AT_WORK_S = 5.0
"""A file that did not change for so long has no writer at work."""
_LOOKS = 3
_BETWEEN_LOOKS_S = 0.02
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Holder:
    """An acquired file, and why it is not the scan's own: one line, "" when it is."""

    file: LiveFile
    path: Path
    remark: str = ""


class OthersAtWork:
    """What one scan saw of the files that other writers have: who is frozen changes nothing.

    Looks are compared to earlier ones, by the clock of this host alone: the times in a file system are those
    of another one.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._seen: dict[str, tuple[tuple[int, int], float]] = {}

    def look(self, path: str) -> bool:
        """Whether the file changed within ``AT_WORK_S``, or may have: it was not looked at for so long."""
        try:
            status, at_s = Path(path).stat(), self._clock_s()
        except OSError:
            return True
        now = (status.st_mtime_ns, status.st_size)
        before, since_s = self._seen.get(path, (None, at_s))
        if before != now:
            since_s = at_s
        self._seen[path] = (now, since_s)
        return at_s - since_s < AT_WORK_S


def side_files(path: Path) -> list[Path]:
    """The side files of a file that there are; of each kind up to the first number that lacks."""
    return [
        side for kind in (REBUILT, BESIDE) for side in itertools.takewhile(Path.exists, _numbered(path, kind))
    ]


def own_file(side: Path) -> Path | None:
    """The file that ``side`` is a side file of, by its name; None when there is none."""
    stem = re.fullmatch(rf"(.+)({REBUILT}|{BESIDE})(_\d)?", side.stem)
    own = side.with_stem(stem[1]) if stem else None
    return own if own is not None and own.exists() else None


def is_side_file(path: Path, own: Path) -> bool:
    """Whether ``path`` is where scans of ``own`` go while that is open elsewhere."""
    return path in _numbered(own, BESIDE)


@dataclass(frozen=True, slots=True)
class ScanHolders:
    """The files that may hold the entries ``names`` of a scan: its own at ``path``, and those beside it."""

    files: OpenFiles
    path: Path
    scan: Scan
    names: Sequence[str]
    others: OthersAtWork = field(default_factory=OthersAtWork)

    def acquire(
        self, root_attributes: Mapping[str, str], *, beside: bool = False, take_over: bool = False
    ) -> Holder:
        """The file for the entries.

        Raises what ``OpenFiles.acquire`` raises but for damage, and that when it has no end. With ``beside``
        a file that is locked is passed by, but not where another writer is at work on this very scan, unless
        this one is to ``take_over``. Who does that passes by a file that cannot be locked, too: its last
        writer may only be frozen.
        """
        seeker = _Seeker(self, root_attributes, beside, take_over)
        for side in reversed(side_files(self.path)):
            if look_at(self.files, side, self.has_it):
                file = seeker.try_to(seeker.acquire, side)
                if isinstance(file, LiveFile):
                    return Holder(file, side)
        own = seeker.try_to(seeker.acquire_own, self.path)
        if isinstance(own, Holder):
            return own
        locked = isinstance(own, FileLocked)
        later = f", and linked in {self.path.name} when that is free" if locked else ""
        obstacle: Hdf5Error = own
        for side in _numbered(self.path, BESIDE if locked else REBUILT):
            file = seeker.try_to(seeker.acquire, side)
            if not isinstance(file, LiveFile):
                obstacle = file
            elif self.has_it(file.root) or not any(has_item(file.root, name) for name in self.names):
                return Holder(file, side, f"{own}; the scan is saved in {side}{later}")
            else:
                self.files.release(file)
        raise obstacle

    def is_saved(self) -> bool:
        """Whether one of them has the scan, complete or being written by this process; or refuses it.
        Raises FileBroken."""
        beside = [side for side in side_files(self.path) if look_at(self.files, side, self.has_it)]
        if any(look_at(self.files, side, self._has_all_of_it) for side in beside):
            return True
        if beside:
            return bool(
                look_at(self.files, self.path, lambda root: self.has_it(root) and self._has_all_of_it(root))
            )
        return bool(look_at(self.files, self.path, self._has_all_of_it))

    def find(self) -> Path | None:
        """Which of the files has the scan; None when none has."""
        for file in (*reversed(side_files(self.path)), self.path):
            if look_at(self.files, file, self.has_it):
                return file
        return None

    def bring_over(
        self, holder: Path, bring: Callable[[EarlierEntries], str], warn: Callable[[str], None]
    ) -> None:
        """``bring`` the points of the scan that another file than ``holder`` has; warn of what is left
        there."""

        def look(root: Any) -> str:
            earlier = EarlierEntries(root, warn)
            earlier.look(self.scan, self.names)
            return bring(earlier) if earlier else ""

        for other in (self.path, *side_files(self.path)):
            if other != holder and (left := look_at(self.files, other, look)):
                warn(f"{other}: {left}")

    def has_it(self, root: Any) -> bool:
        return is_in(root, self.scan, self.names)

    def _has_all_of_it(self, root: Any) -> bool:
        return is_saved(root, self.scan, self.names)


@dataclass(frozen=True, slots=True)
class _Seeker:
    """Tries files for a scan; the fields are what ``ScanHolders.acquire`` is given."""

    holders: ScanHolders
    root_attributes: Mapping[str, str]
    beside: bool
    take_over: bool

    def try_to(self, acquire: Callable[[Path], Answer], path: Path) -> Answer | Hdf5Error:
        """What ``acquire`` gives, or why the file is passed by. Raises why it is not, and other errors."""
        try:
            return acquire(path)
        except (NotHdf5, FileDamaged) as error:
            return error
        except FileLocked as error:
            if self._waits_for(error):
                raise
            return error

    def acquire(self, path: Path) -> LiveFile:
        """What is not there yet is nobody else's."""
        locked = self.take_over and path.exists()
        return self.holders.files.acquire(path, self.root_attributes, locked=locked)

    def acquire_own(self, path: Path) -> Holder:
        """The scan's own file. Raises FileDamaged when an entry of its name can be neither read nor moved."""
        file, its = self.acquire(path), self.holders
        try:
            return Holder(file, path, "; ".join(set_damaged_aside(file.root, its.scan, its.names)))
        except (ItemDamaged, OSError, RuntimeError, KeyError, ValueError) as error:
            why = error.why if isinstance(error, ItemDamaged) else str(error)
            problem: Exception = FileDamaged(path, why)
        except Exception as error:
            problem = error
        with suppress(FileBroken):
            its.files.release(file)
        raise problem

    def _waits_for(self, error: FileLocked) -> bool:
        its = self.holders
        is_at_work = error.is_ours and its.others.look(error.path)
        if self.take_over or not self.beside:
            return not self.beside
        return is_at_work and bool(look_at(its.files, Path(error.path), its.has_it))


def look_at(files: OpenFiles, path: Path, look: Callable[[Any], Answer]) -> Answer | None:
    """What ``look`` says of the root of a file; None when it does not exist, or cannot be read.

    Another process may be in the middle of a flush: it is looked at again.
    """
    for left in reversed(range(_LOOKS)):
        try:
            return look_into(files, path, look)
        except FileDamaged:
            if left:
                time.sleep(_BETWEEN_LOOKS_S)
    return None


def _numbered(path: Path, kind: str) -> Iterator[Path]:
    for stem in itertools.islice(numbered(f"{path.stem}{kind}"), MOST_FILES):
        yield path.with_stem(stem)
