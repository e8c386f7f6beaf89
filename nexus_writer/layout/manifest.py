"""What was written, so that whoever reads it later can tell whether it is still the same."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nexus_writer.hdf5 import Digests, create_group, source_name, write_value

from .camera_data import CameraData
from .channel_data import ChannelData

DIGEST_NBYTES = 32
SIZES_S = 1.0
"""Seconds that asking for the sizes of files may take."""


def write_manifest(note: Any, channels: Collection[ChannelData], directory: Path) -> None:
    """The NXcollection ``manifest`` of a writer's ``note``; none when there is nothing to say.

    Datasets are named from the entry on, files from the ``directory`` of the scan's file. Raises FileBroken.
    """
    entry_path = note.name.removesuffix("writer")
    found = [
        (path.removeprefix(entry_path), digests)
        for data in channels
        for path, digests in data.digests()
        if digests is not None
    ]
    shown = [
        (data.dataset.path.removeprefix(entry_path), file)
        for data in channels
        if isinstance(data, CameraData)
        for file in data.shown_files
    ]
    if not found and not shown:
        return
    group = create_group(note, "manifest", "NXcollection")
    _write_digests(group, [path for path, _ in found], [digests for _, digests in found])
    if shown:
        below = create_group(group, "files", "NXcollection")
        files = [file for _, file in shown]
        _write_texts(below, "dataset", [path for path, _ in shown])
        _write_texts(below, "file", [source_name(file, directory) for file in files])
        _write_numbers(below, "nbytes", list(_sizes(files)))


def _write_digests(group: Any, paths: list[str], digests: list[Digests]) -> None:
    """``first`` is the row of the first block of each dataset in ``sha256``."""
    first = np.cumsum([0, *(len(one.sha256) // DIGEST_NBYTES for one in digests)])
    table = np.frombuffer(b"".join(one.sha256 for one in digests), dtype=np.uint8)
    _write_texts(group, "dataset", paths)
    for name in ("points", "size", "block"):
        _write_numbers(group, name, [getattr(one, name) for one in digests])
    _write_numbers(group, "first", first[:-1].tolist())
    write_value(group, "sha256", table.reshape(-1, DIGEST_NBYTES))


def _write_texts(group: Any, name: str, texts: list[str]) -> None:
    write_value(group, name, np.array(texts, dtype=object))


def _write_numbers(group: Any, name: str, numbers: list[int]) -> None:
    write_value(group, name, np.array(numbers, dtype=np.int64))


def _sizes(files: list[str]) -> Iterator[int]:
    """Bytes of each; -1 for one that is missing, and for those that there was no time for."""
    deadline_s = time.monotonic() + SIZES_S
    for file in files:
        nbytes = -1
        if time.monotonic() < deadline_s:
            with contextlib.suppress(OSError):
                nbytes = Path(file).stat().st_size
        yield nbytes
