"""The scans of a recording, written from Redis in this process, up to where the writer is "killed".

A copy of the files, made while they are open, is what a SIGKILL at that moment leaves: everything that went
to the operating system, and nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import redis

from nexus_writer.data.recording import Recording
from nexus_writer.data.scan_items import ScanEnded, ScanItem
from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.hdf5 import OpenFiles
from nexus_writer.subscribers import WriterOptions
from nexus_writer.subscribers.errors import NotSaved
from nexus_writer.subscribers.references import References, ScansReferenced, look_up
from nexus_writer.subscribers.scan_consumer import ScanConsumer
from nexus_writer.subscribers.scan_found import find_scan

RECORDED_ROOT = "/data/id00/bliss/raw"
ENTRIES_PER_REPLY = 40
"""Small replies: many places to cut."""


class Writing:
    """Writes scans below ``root`` that their files lack; ``steps`` are the moments after which it may be cut.

    When step ``cut`` is done, ``root`` is copied to ``copy``; what is written after that is of no interest.
    """

    def __init__(
        self, client: redis.Redis, root: Path, *, cut: int = -1, copy: Path | None = None, **options: Any
    ) -> None:
        self.client = client
        self.steps = 0
        self.resumed: list[str] = []
        self._root = root
        self._cut = cut
        self._copy = copy
        self._files = OpenFiles()
        self._options = WriterOptions(path_map=(f"{RECORDED_ROOT}={root}",), required_disk_space=0, **options)

    def write(self, recording: Recording) -> None:
        for scan in recording.scans:
            self._write(scan.key)
            if self.is_cut:
                return

    @property
    def is_cut(self) -> bool:
        return 0 <= self._cut < self.steps

    def _write(self, key: str) -> None:
        consumer = ScanConsumer(key, self._options, self._files)
        try:
            consumer.find(find_scan(key, self.client))
        except NotSaved:
            return
        if consumer.is_saved():
            return
        self._open(consumer)
        if consumer._file is not None and consumer._file.resumed:
            self.resumed.append(key)
        self._step()
        for item in self._items(key):
            self._do(partial(consumer.feed, item))
            self._do(consumer.flush)
            self._step()
            if self.is_cut:
                break
        before = -1
        while not self.is_cut and before != (before := consumer.follow_cameras()[1]):
            pass
        self._step()
        self._finish(consumer)
        self._step()

    def _open(self, consumer: ScanConsumer) -> None:
        consumer.open()

    def _do(self, write: Callable[[], None]) -> None:
        write()

    def _finish(self, consumer: ScanConsumer) -> None:
        consumer.finish(None)

    def _items(self, key: str) -> Iterator[ScanItem | ScansReferenced]:
        references = References()
        reader = ScanReader(self.client, key, pace_s=0, entries_per_reply=ENTRIES_PER_REPLY)
        try:
            while True:
                items = reader.read()
                if names := references.among(items):
                    yield look_up(names, self.client)
                yield from items
                if isinstance(items[-1], ScanEnded):
                    return
        finally:
            reader.close()

    def _step(self) -> None:
        if self.steps == self._cut and self._copy is not None:
            shutil.copytree(self._root, self._copy)
        self.steps += 1
