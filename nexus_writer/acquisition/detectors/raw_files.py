"""The files of a raw recording: ``streams.json``, and for each stream its samples and a table of its chunks.

``<name>.raw`` holds the samples, one behind the other, as they lie in memory (C order). ``<name>.chunks`` has
a record of four int64 for each chunk: run, index of the last sample + 1, samples, samples lost so far. A
chunk is written before its record, so a recording that was killed is whole up to its last record; what stands
behind that is not read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["DESCRIPTION", "FORMAT", "RECORD", "RawFile", "chunk_path", "raw_path", "write_description"]

DESCRIPTION = "streams.json"
FORMAT = "nexus-writer raw 1"
RECORD = np.dtype([("run", "<i8"), ("index", "<i8"), ("count", "<i8"), ("lost", "<i8")])


def raw_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.raw"


def chunk_path(directory: Path, name: str) -> Path:
    return directory / f"{name}.chunks"


def write_description(directory: Path, streams: dict[str, dict[str, Any]]) -> None:
    """What the streams are; ValueError for a parameter that JSON does not have."""
    try:
        text = json.dumps({"format": FORMAT, "streams": streams}, indent=1)
    except TypeError as error:
        raise ValueError(f"a stream can not be described: {error}") from None
    (directory / DESCRIPTION).write_text(text)


class RawFile:
    """Appends the chunks of one stream. A chunk whose index goes back begins a new run."""

    def __init__(self, directory: Path, name: str) -> None:
        self._raw: BinaryIO = raw_path(directory, name).open("ab", buffering=0)
        self._chunks: BinaryIO = chunk_path(directory, name).open("ab", buffering=0)
        self._nbytes = self._raw.tell(), self._chunks.tell()
        self._is_whole = True
        self._run = -1
        self._index = 0

    def begin_run(self) -> None:
        """What comes now counts from 0 again."""
        self._run += 1
        self._index = 0

    def append(self, index: int, data: NDArray[Any], lost: int) -> None:
        if index - len(data) < self._index:
            self.begin_run()
        if not self._is_whole:
            self._cut()
        samples = np.ascontiguousarray(data).tobytes()
        record = np.array((self._run, index, len(data), lost), RECORD)
        self._is_whole = False
        _write(self._raw, samples)
        _write(self._chunks, record.tobytes())
        self._nbytes = self._nbytes[0] + len(samples), self._nbytes[1] + RECORD.itemsize
        self._is_whole = True
        self._index = index

    def _cut(self) -> None:
        """What a chunk left that could not be written whole: the disk was full."""
        for file, nbytes in zip((self._raw, self._chunks), self._nbytes, strict=True):
            file.truncate(nbytes)

    def close(self) -> None:
        for file in self._raw, self._chunks:
            os.fsync(file.fileno())
            file.close()


def _write(file: BinaryIO, data: bytes) -> None:
    """All of it: an unbuffered file may take less at once."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
