"""What an earlier writing left of a scan, sound or damaged, in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import EntryExists, ItemDamaged, LiveFile, OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.layout.earlier_entries import EarlierEntries, is_in, is_saved, set_damaged_aside
from nexus_writer.layout.earlier_entry import Standing, identity, standing
from nexus_writer.model import Block, Scan

from .damage import damage
from .scans import channel, scan_info

NAMES = ["1.1"]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    info = scan_info({"timer": {"timer": ["timer:elapsed_time"]}}, filename=str(tmp_path / "scan.h5"))
    return Scan.from_info(info, "session:1_scan")


@pytest.fixture
def path(scan: Scan) -> Path:
    return Path(scan.filename)


def write(scan: Scan, points: int, *, finish: bool) -> None:
    """With so many points committed. A copy of the open file is what a kill leaves."""
    file = ScanFile(scan, OpenFiles(), LayoutOptions())
    file.create()
    described = channel(scan, "timer:elapsed_time")
    file.add_channel(described)
    file.append({described.key: [Block(described.key, 0, np.arange(float(points)))]})
    file.commit()
    left = Path(scan.filename).read_bytes()
    file.finish({}, "", None)
    if not finish:
        Path(scan.filename).write_bytes(left)


@contextmanager
def opened(path: Path) -> Iterator[LiveFile]:
    files = OpenFiles()
    file = files.acquire(path, {})
    yield file
    files.release(file)


@pytest.mark.parametrize(("finish", "expected"), [(True, Standing.COMPLETE), (False, Standing.UNFINISHED)])
def test_its_own_entry_is_complete_or_not(scan: Scan, path: Path, finish: bool, expected: Standing) -> None:
    write(scan, 3, finish=finish)
    with h5py.File(path) as file:
        assert standing(file["/"], "1.1", scan) is expected
        assert is_saved(file["/"], scan, NAMES) is finish
        assert is_in(file["/"], scan, NAMES)
        assert identity(file["/"], "1.1") == (scan.key, scan.start.isoformat() if scan.start else "")


def test_of_another_start_or_program_it_is_foreign(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    assert scan.start is not None
    other = replace(scan, start=scan.start + timedelta(seconds=1))
    with h5py.File(path, "r+") as file:
        file["2.1"] = np.arange(3)
        file.create_group("3.1/measurement")
        for name, whose in (("1.1", other), ("2.1", scan), ("3.1", scan)):
            assert standing(file["/"], name, whose) is Standing.FOREIGN
            assert is_saved(file["/"], whose, [name])
            assert not is_in(file["/"], whose, [name])


def test_one_that_holds_nothing_yet_was_begun(scan: Scan, path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("1.1")
        assert standing(file["/"], "1.1", scan) is Standing.BEGUN
        assert not is_saved(file["/"], scan, NAMES)


@pytest.mark.parametrize("item", ["1.1", "1.1/writer", "1.1/writer/scan", "1.1/start_time"])
def test_one_of_which_it_cannot_be_said_whose_it_is_is_damaged(scan: Scan, path: Path, item: str) -> None:
    write(scan, 3, finish=False)
    damage(path, item)
    with h5py.File(path) as file:
        assert standing(file["/"], "1.1", scan) is Standing.DAMAGED
        assert identity(file["/"], "1.1") is None
        assert not is_saved(file["/"], scan, NAMES)
        assert not is_in(file["/"], scan, NAMES)


@pytest.mark.parametrize("item", ["1.1/writer/status", "1.1/instrument", "1.1/writer/points"])
def test_its_own_stays_its_own_where_something_else_is_damaged(scan: Scan, path: Path, item: str) -> None:
    write(scan, 3, finish=False)
    damage(path, item)
    with h5py.File(path) as file:
        assert standing(file["/"], "1.1", scan) is Standing.UNFINISHED


def test_an_unfinished_entry_is_set_aside_with_its_points(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    with opened(path) as file:
        earlier = EarlierEntries(file.root, pytest.fail)
        earlier.set_aside(scan, NAMES)
        assert list(file.root) == ["1.1_unfinished"]
        assert list(earlier.channels().values()) == [3]
        assert not is_saved(file.root, scan, NAMES)
        earlier.remove()
        assert list(file.root) == []


def test_a_complete_or_foreign_entry_is_not_touched(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=True)
    other = replace(scan, key="session:2_scan")
    with opened(path) as file:
        for whose in (scan, other):
            with pytest.raises(EntryExists):
                EarlierEntries(file.root, pytest.fail).set_aside(whose, NAMES)
        assert list(file.root) == ["1.1"]


def test_a_damaged_entry_gets_another_name(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    damage(path, "1.1/writer")
    with opened(path) as file:
        assert set_damaged_aside(file.root, scan, NAMES) == [
            "1.1 could not be read, it is 1.1_damaged now, and the scan is saved anew"
        ]
        assert list(file.root) == ["1.1_damaged"]
        assert not is_saved(file.root, scan, NAMES)
        assert set_damaged_aside(file.root, scan, NAMES) == []


def test_one_that_has_no_header_is_not_touched(scan: Scan, path: Path) -> None:
    """HDF5 would leave a link under either name."""
    write(scan, 3, finish=False)
    damage(path, "1.1")
    with opened(path) as file:
        with pytest.raises(ItemDamaged, match=r"/1\.1 of .* cannot be read"):
            set_damaged_aside(file.root, scan, NAMES)
        assert list(file.root) == ["1.1"]


def test_what_the_earlier_entry_cannot_tell_is_warned_of(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    damage(path, "1.1/writer/points")
    warnings: list[str] = []
    with opened(path) as file:
        earlier = EarlierEntries(file.root, warnings.append)
        earlier.set_aside(scan, NAMES)
        assert earlier.channels() == {}
    assert len(warnings) == 1
    assert warnings[0].startswith("the counts of the earlier writing cannot be read")


def test_a_damaged_entry_gets_a_name_however_many_there_are(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    with h5py.File(path, "r+") as file:
        for number in ("", *(f"_{number}" for number in range(2, 40))):
            file.create_group(f"1.1_damaged{number}")
    damage(path, "1.1/writer")
    with opened(path) as file:
        [done] = set_damaged_aside(file.root, scan, NAMES)
    assert "it is 1.1_damaged_40 now" in done


def test_a_status_that_is_revoked_leaves_an_entry_to_go_on_with(scan: Scan, path: Path) -> None:
    """What another writer finds where this one is killed before it has made the entry anew."""
    write(scan, 3, finish=True)
    files = OpenFiles()
    revoked = ScanFile(scan, files, LayoutOptions())
    assert revoked.is_saved()
    revoked.revoke("the disk may not have its status")
    again = ScanFile(scan, files, LayoutOptions())
    assert not again.is_saved()
    again.create()
    assert again.resumed
    assert again.finish({}, "", None) is None
    with h5py.File(path) as file:
        assert list(file) == NAMES
        assert file["1.1/measurement/elapsed_time"][()].tolist() == [0, 1, 2]
