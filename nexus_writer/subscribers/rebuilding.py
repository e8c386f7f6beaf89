"""Scans made anew from what Redis holds, into other files than those they were saved in. No greenlets."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from pydantic import Field

from nexus_writer.data.scan_items import ScanEnded, ScanItem
from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.hdf5 import EntryExists, Hdf5Error, OpenFiles, compression_threads
from nexus_writer.model import Scan
from nexus_writer.model.location import data_file
from nexus_writer.model.path_map import PathMaps

from .errors import NotSaved
from .options import WriterOptions
from .references import References, look_up
from .scan_consumer import ScanConsumer
from .scan_found import find_scan
from .scans_in_redis import has_data

QUIET_S = 1.0
"""A scan that has not ended, and gives nothing for so long, is taken as it is."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one scan: where it is, and how many points. ``problem`` is "" when all is there."""

    key: str
    uris: tuple[str, ...] = ()
    points: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Redirection(PathMaps):
    """Path maps, and then other files for the data: ``files`` by the file that a scan would be saved in."""

    files: Mapping[str, str] = field(default_factory=dict)

    def apply_to_scan_info(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """A copy with the file that is to be written, and no masters: those name what they name."""
        mapped = PathMaps(self.maps).apply_to_scan_info(info)
        original = data_file(Scan.from_info(mapped, ""))
        if str(original) in self.files:
            mapped |= {"filename": self.files[str(original)], "images_path": None}
            writer = mapped.get("nexuswriter")
            if isinstance(writer, dict):
                mapped["nexuswriter"] = {**writer, "masterfiles": {}}
        return mapped


class RebuildOptions(WriterOptions):
    """Those of a writer, that saves in ``files``."""

    files: dict[str, str] = Field(default_factory=dict)

    @property
    def paths(self) -> PathMaps:
        new = [os.path.dirname(path) for path in self.files.values()]  # noqa: PTH120
        mine = PathMaps.parse(self.path_map, (*self.roots, *new) if self.roots else ())
        return Redirection(mine.maps, mine.roots, self.files)


def rebuild(
    client: redis.Redis, scan_keys: Sequence[str], directory: Path, options: WriterOptions
) -> Iterator[Rebuilt]:
    """Make these scans anew below ``directory``: files as they were, from their common directory on.

    A scan that is not to be saved by this writer is passed over. What is there already is not touched.
    """
    infos = {key: options.paths.apply_to_scan_info(find_scan(key, client).info.decode()) for key in scan_keys}
    files = _new_files(infos, directory)
    redirected = RebuildOptions(**options.model_dump(), files=files)
    compression_threads.set(options.compression_threads, options.compression_bytes)
    open_files = OpenFiles()
    for key in scan_keys:
        consumer = ScanConsumer(key, redirected, open_files)
        try:
            consumer.find(find_scan(key, client))
        except NotSaved:
            continue
        if not has_data(client, key):
            yield Rebuilt(key, problem="its data are not in Redis any more: they expire 10 min after its end")
            continue
        yield _rebuilt(client, key, consumer)


def _new_files(infos: Mapping[str, Mapping[str, Any]], directory: Path) -> dict[str, str]:
    originals = {data_file(Scan.from_info(info, key)) for key, info in infos.items()} - {None}
    if not originals:
        return {}
    common = os.path.commonpath([path.parent for path in originals if path is not None])
    return {str(path): str(directory.absolute() / path.relative_to(common)) for path in originals if path}


def _rebuilt(client: redis.Redis, key: str, consumer: ScanConsumer) -> Rebuilt:
    try:
        consumer.open()
        failure = None
        for item in _items(client, key):
            consumer.feed(item)
            if consumer.seconds_to_flush() == 0.0:
                consumer.flush()
        consumer.flush()
        consumer.follow_cameras()
    except EntryExists as error:
        failure = f"{error.path} has {error.name} already, it was not touched: give another directory"
    except Hdf5Error as error:
        failure = str(error)
    problem = consumer.finish(failure) or ""
    progress = consumer.progress
    return Rebuilt(key, progress.uris, progress.points, problem)


def _items(client: redis.Redis, key: str) -> Iterator[Any]:
    """All that Redis has of a scan, now."""
    references = References()
    reader = ScanReader(client, key)
    items: list[ScanItem] = []
    try:
        while not (items and isinstance(items[-1], ScanEnded)):
            items = reader.read(timeout_s=QUIET_S)
            if not items:
                return
            if names := references.among(items):
                yield look_up(names, client)
            yield from items
    finally:
        reader.close()
