"""A file that is open for writing, and blocks of points."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import LiveFile, OpenFiles
from nexus_writer.model import Block


@pytest.fixture
def files() -> OpenFiles:
    return OpenFiles()


@pytest.fixture
def live(files: OpenFiles, tmp_path: Path) -> Iterator[LiveFile]:
    file = files.acquire(tmp_path / "scan.h5", {"creator": "test"})
    yield file
    files.release(file)


def block(start: int, values: Any, dtype: Any = None) -> Block:
    return Block("channel", start, np.asarray(values, dtype=dtype))


def read_back(live: LiveFile, path: str) -> Any:
    """A dataset as another handle on the file finds it after a flush."""
    live.flush()
    with h5py.File(live.path, "r", locking=False) as file:
        dataset = file[path]
        return dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]
