"""A raw recording, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..dtypes import make_dtype
from .raw_files import DESCRIPTION, FORMAT, RECORD, chunk_path, raw_path

__all__ = ["RawReader"]


class RawReader:
    """The streams of a directory, also while they are recorded, and after the recorder was killed."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)
        try:
            described = json.loads((self._directory / DESCRIPTION).read_text())
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{directory} has no {DESCRIPTION}: give the directory of a recording"
            ) from None
        if described.get("format") != FORMAT:
            raise ValueError(f"{directory} is not a recording of the format {FORMAT!r}")
        self._streams: dict[str, dict[str, Any]] = described["streams"]

    @property
    def names(self) -> list[str]:
        return list(self._streams)

    def params(self, name: str) -> dict[str, Any]:
        """Of the stream, as its output had them: dtype, shape, units, sample_rate ..."""
        return dict(self._streams[name])

    def runs(self, name: str) -> list[int]:
        """Numbers of the runs that have samples."""
        return [int(run) for run in np.unique(self._chunks(name)["run"])]

    def data(self, name: str, run: int = 0) -> NDArray[Any]:
        """All samples of a run, (n,) + shape of one, in the order in which they came."""
        chunks = self._chunks(name)
        which = chunks["run"] == run
        ends = np.cumsum(chunks["count"])
        if not which.any():
            return self._samples(name, 0, 0)
        first, last = np.flatnonzero(which)[[0, -1]]
        return self._samples(name, int(ends[first] - chunks["count"][first]), int(ends[last]))

    def index(self, name: str, run: int = 0) -> NDArray[np.int64]:
        """The index of each sample of ``data``."""
        chunks = self._chunks(name)
        parts = [np.arange(stop - count, stop) for number, stop, count, _ in chunks.tolist() if number == run]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def gaps(self, name: str, run: int = 0) -> list[tuple[int, int]]:
        """Samples that are missing: the first, and the one behind the last."""
        found, before = [], 0
        for number, stop, count, _ in self._chunks(name).tolist():
            if number != run:
                continue
            if stop - count > before:
                found.append((before, stop - count))
            before = stop
        return found

    def lost(self, name: str) -> int:
        """Samples that the recorder knew to be lost on the way, when the last chunk came."""
        chunks = self._chunks(name)
        return int(chunks["lost"][-1]) if len(chunks) else 0

    def _chunks(self, name: str) -> NDArray[Any]:
        """Records whose samples are all there."""
        if name not in self._streams:
            raise KeyError(f"no stream {name} in {self._directory}: there is {', '.join(self._streams)}")
        raw = chunk_path(self._directory, name).read_bytes()
        records = np.frombuffer(raw[: len(raw) // RECORD.itemsize * RECORD.itemsize], RECORD)
        there = raw_path(self._directory, name).stat().st_size // self._sample(name)[1]
        return records[np.cumsum(records["count"]) <= there]

    def _samples(self, name: str, start: int, stop: int) -> NDArray[Any]:
        dtype, nbytes = self._sample(name)
        shape = self._streams[name]["shape"][1:]
        with raw_path(self._directory, name).open("rb") as file:
            file.seek(start * nbytes)
            return np.frombuffer(file.read((stop - start) * nbytes), dtype).reshape(stop - start, *shape)

    def _sample(self, name: str) -> tuple[np.dtype[Any], int]:
        """The dtype, and the bytes of one sample."""
        dtype = make_dtype(self._streams[name]["dtype"])
        return dtype, dtype.itemsize * int(np.prod(self._streams[name]["shape"][1:], dtype=np.int64))
