"""Which processes write which files, looked at all the time by the locks of their descriptors."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

EVERY_S = 0.003


class LockHolders:
    """For the time of a block: which of the processes ``pids`` had which files open for writing.

    A writer has an exclusive lock of its own for as long as it has a file open. ``sequence`` has the sets of
    holders of each file as they followed each other, by inode.
    """

    def __init__(self, pids: Collection[int]) -> None:
        self._pids = frozenset(pids)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)
        self.sequence: dict[int, list[frozenset[int]]] = defaultdict(list)
        self.looks = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def of(self, path: Path) -> list[frozenset[int]]:
        return self.sequence[path.stat().st_ino]

    def _look_on(self) -> None:
        while not self._ended.wait(EVERY_S):
            found: dict[int, set[int]] = defaultdict(set)
            for pid in self._pids:
                for inode in _locked_by(pid):
                    found[inode].add(pid)
            self.looks += 1
            for inode in {*found, *self.sequence}:
                holders = frozenset(found.get(inode, ()))
                if not self.sequence[inode] or self.sequence[inode][-1] != holders:
                    self.sequence[inode].append(holders)


def _locked_by(pid: int) -> Iterator[int]:
    """Inodes; nothing of a process that has ended, or of a descriptor that was closed meanwhile."""
    with suppress(OSError):
        for info in Path(f"/proc/{pid}/fdinfo").iterdir():
            with suppress(OSError):
                for line in info.read_text().splitlines():
                    fields = line.split()
                    if fields[:1] == ["lock:"] and "OFDLCK" in fields and "WRITE" in fields:
                        yield int(next(field for field in fields if field.count(":") == 2).split(":")[2])
