"""A file that is open for writing, and blocks of points."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def new_file() -> Iterator[LiveFile]:
    """One more file, for a test that needs one for each of its examples."""
    files = OpenFiles()
    with tempfile.TemporaryDirectory() as directory:
        live = files.acquire(Path(directory) / "scan.h5", {})
        try:
            yield live
        finally:
            files.release(live)


def block(start: int, values: Any, dtype: Any = None) -> Block:
    return Block("channel", start, np.asarray(values, dtype=dtype))


@contextmanager
def as_after_a_kill(live: LiveFile) -> Iterator[Any]:
    """The file as another process finds it, now or after this one was killed: all that it has written so far.

    A copy, because within one process HDF5 would look into its own memory.
    """
    copy = live.path.with_suffix(".copy")
    shutil.copy(live.path, copy)
    with h5py.File(copy, "r") as file:
        yield file


def read_back(live: LiveFile, path: str) -> Any:
    """A dataset as another process finds it after a flush."""
    live.flush()
    with as_after_a_kill(live) as file:
        dataset = file[path]
        return dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]
