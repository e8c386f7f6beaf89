"""The plot that is shown when nobody says which."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles, create_group, soft_link
from nexus_writer.layout.default import show_by_default


@pytest.fixture
def entry(tmp_path: Path) -> Iterator[Any]:
    files = OpenFiles()
    file = files.acquire(tmp_path / "file.h5", {})
    yield create_group(file.root, "1.1", "NXentry")
    files.release(file)


def target(entry: Any) -> str:
    name = entry.attrs["default"]
    link = entry.get(name, getlink=True)
    return link.path if isinstance(link, h5py.SoftLink) else name


def test_under_the_name_that_tools_know(entry: Any) -> None:
    show_by_default(entry, "1.1", "plot0D")
    assert entry.attrs["default"] == "plotselect"
    assert target(entry) == "/1.1/plot0D"
    show_by_default(entry, "1.1", "plot1D")
    assert target(entry) == "/1.1/plot1D"


def test_the_plot_of_that_name(entry: Any) -> None:
    create_group(entry, "plotselect", "NXdata")
    show_by_default(entry, "1.1", "plotselect")
    assert target(entry) == "plotselect"


def test_names_that_are_taken(entry: Any) -> None:
    create_group(entry, "plotselect", "NXcollection")
    create_group(entry, "plotselect0", "NXcollection")
    soft_link(entry, "plotselect1", "/somewhere")
    show_by_default(entry, "1.1", "plot0D")
    assert entry.attrs["default"] == "plotselect1"
    assert target(entry) == "/1.1/plot0D"
