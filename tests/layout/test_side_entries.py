"""What is read of side files, and how often."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import side_entries
from nexus_writer.layout.side_entries import SideEntries
from nexus_writer.layout.side_links import SideLinks

from .test_side_links import Writing, held, link, scan_in, side_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ds" / "ds.h5"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the entries that were read."""
    names: list[str] = []
    identity = side_entries.identity

    def noted(root: object, name: str) -> tuple[str, str] | None:
        names.append(name)
        return identity(root, name)

    monkeypatch.setattr(side_entries, "identity", noted)
    return names


def test_the_side_files_of_a_file_that_stays_locked_are_not_read_again(
    files: OpenFiles, path: Path, read: list[str]
) -> None:
    """However many scans there are beside it, and while one more is written."""
    links = SideLinks(files)
    with held(path):
        for number in (1, 2):
            Writing(scan_in(path, number), files).begin(1).end()
        third = Writing(scan_in(path, 3), files).begin(1)
        links.link(path)
        read.clear()
        for start in (1, 2):
            third.take(5, start=start)
            links.link(path)
        assert (read, len(links)) == ([], 1)
        third.end()
    links.link(path)
    assert len(links) == 0
    assert [link(path, f"{number}.1") for number in (1, 2, 3)] == [
        ("ds_beside.h5", f"/{number}.1") for number in (1, 2, 3)
    ]


def test_a_complete_entry_is_read_once(files: OpenFiles, path: Path, read: list[str]) -> None:
    side = side_of(path)
    with held(path):
        Writing(scan_in(path), files).begin(1, 2).end()
        second = Writing(scan_in(path, 2), files).begin(1)
        entries = SideEntries(files)
        read.clear()
        first = entries.best([side])
        second.take(2, 3, start=1)
        assert [(one.name, one.points) for one in entries.best([side])] == [("1.1", 2), ("2.1", 3)]
        assert [(one.name, one.complete) for one in first] == [("1.1", True), ("2.1", False)]
        second.end()
    assert all(one.complete for one in entries.best([side]))
    entries.best([side])
    assert read == ["1.1", "2.1", "2.1", "2.1"]


def test_a_side_file_that_was_put_in_place_of_another_is_read_anew(files: OpenFiles, path: Path) -> None:
    other = path.with_name("other.h5")
    with held(path), held(other):
        Writing(scan_in(path), files).begin(1).end()
        Writing(scan_in(other), files).begin(1, 2, 3).end()
    entries = SideEntries(files)
    assert [one.points for one in entries.best([side_of(path)])] == [1]
    shutil.move(side_of(other), side_of(path))
    assert [one.points for one in entries.best([side_of(path)])] == [3]


def test_of_many_side_files_only_the_latest_are_remembered(
    files: OpenFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server runs for months."""
    monkeypatch.setattr(side_entries, "MOST_FILES_KNOWN", 2)
    monkeypatch.setattr("nexus_writer.layout.side_links.MOST_LOGGED", 2)
    caplog.set_level(logging.INFO, logger="nexus_writer")
    links = SideLinks(files)
    for number in range(4):
        path = tmp_path / f"ds{number}" / "ds.h5"
        with held(path):
            Writing(scan_in(path), files).begin(1).end()
        links.link(path)
        assert link(path) == ("ds_beside.h5", "/1.1")
    assert [side.parent.name for side in links._entries._complete] == ["ds2", "ds3"]
    assert len(links._logged) == 2
    assert sum("is linked in" in record.getMessage() for record in caplog.records) >= 4
