"""Files that scans are written into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nexus_writer.hdf5 import OpenFiles


@pytest.fixture
def files() -> Iterator[OpenFiles]:
    """Those of a process; in the end none may be open."""
    files = OpenFiles()
    yield files
    assert len(files) == 0, "a file was not given back"
