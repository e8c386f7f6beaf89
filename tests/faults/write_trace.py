"""Every change that a writer makes to one file, and what a kill before any of them leaves.

The changes are noted where they are made: HDF5 writes through the package, and the package by ``os.pwrite``,
``os.ftruncate``, ``committer.commit`` and the holes of ``places``. That none was missed is seen at the end,
when all of them together give the file.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexus_writer.hdf5 import places, staged_writes

PAGE = 4096


@dataclass
class Change:
    """Runs of bytes, (address, bytes) each, or a new length. It is made as a ``whole``, or a kill may cut it
    between two pages: there the kernel looks for signals."""

    runs: list[tuple[int, bytes]] = field(default_factory=list)
    length: int | None = None
    whole: bool = False

    def parts(self) -> Iterator[Change]:
        """Page by page."""
        if self.length is not None:
            yield self
        for start, data in self.runs:
            stop = start + len(data)
            edges = [start, *range((start // PAGE + 1) * PAGE, stop, PAGE), stop]
            for low, high in itertools.pairwise(edges):
                yield Change([(low, data[low - start : high - start])])

    def make(self, path: Path) -> None:
        if self.length is not None:
            os.truncate(path, self.length)
        with path.open("r+b") as file:
            for address, data in self.runs:
                file.seek(address)
                file.write(data)


@dataclass
class WriteTrace:
    """The changes of the file at ``path`` from ``begin`` on, and what it was before the first one."""

    path: Path
    before: bytes = b""
    changes: list[Change] = field(default_factory=list)

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pwrite, ftruncate, commit = os.pwrite, os.ftruncate, staged_writes.commit
        fallocate = places.fallocate

        def noted_pwrite(descriptor: int, data: Any, address: int) -> int:
            self._note(descriptor, Change([(address, bytes(data))]))
            return pwrite(descriptor, data, address)

        def noted_ftruncate(descriptor: int, length: int) -> None:
            self._note(descriptor, Change(length=length))
            ftruncate(descriptor, length)

        def noted_commit(descriptor: int, runs: Any) -> None:
            self._note(descriptor, Change(list(runs), whole=True))
            commit(descriptor, runs)

        def noted_hole(descriptor: int, mode: int, offset: int, nbytes: int) -> int:
            if not (error := fallocate(descriptor, mode, offset, nbytes)):
                stop = min(offset + nbytes, os.fstat(descriptor).st_size)
                self._note(descriptor, Change([(offset, bytes(max(0, stop - offset)))]))
            return error

        monkeypatch.setattr(os, "pwrite", noted_pwrite)
        monkeypatch.setattr(os, "ftruncate", noted_ftruncate)
        monkeypatch.setattr(staged_writes, "commit", noted_commit)
        monkeypatch.setattr(places, "fallocate", noted_hole)

    def _note(self, descriptor: int, change: Change) -> None:
        if not self.path.exists() or not os.path.samestat(os.fstat(descriptor), self.path.stat()):
            return
        if not self.changes:
            self.before = self.path.read_bytes()
        self.changes.append(change)

    def states(self, copy: Path) -> Iterator[int]:
        """Makes ``copy`` what the file was at every moment; yields their numbers."""
        copy.write_bytes(self.before)
        yield 0
        number = 0
        for change in self.changes:
            for part in [change] if change.whole else change.parts():
                part.make(copy)
                number += 1
                yield number
