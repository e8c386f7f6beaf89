"""Which file takes a scan whose own one is damaged, in part or as a whole."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import FileDamaged, NotHdf5, OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.layout.holder import ScanHolders, look_at
from nexus_writer.model import Block, Scan

from .damage import damage
from .scans import channel, scan_info
from .test_earlier_entries import write

NAMES = ["1.1"]


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    info = scan_info({"timer": {"timer": ["timer:elapsed_time"]}}, filename=str(tmp_path / "scan.h5"))
    return Scan.from_info(info, "session:1_scan")


@pytest.fixture
def path(scan: Scan) -> Path:
    return Path(scan.filename)


def acquired(scan: Scan) -> tuple[str, str]:
    """The name of the file, and the remark."""
    files = OpenFiles()
    holder = ScanHolders(files, Path(scan.filename), scan, NAMES).acquire({})
    files.release(holder.file)
    return holder.path.name, holder.remark


def saved_anew(scan: Scan) -> ScanFile:
    """All of a scan, once more."""
    file = ScanFile(scan, OpenFiles(), LayoutOptions())
    file.create()
    described = channel(scan, "timer:elapsed_time")
    file.add_channel(described)
    file.append({described.key: [Block(described.key, 0, np.arange(5.0))]})
    assert file.finish({}, "", None) is None
    return file


def points(path: Path) -> list[float]:
    with h5py.File(path) as file:
        values: list[float] = file["1.1/measurement/elapsed_time"][()].tolist()
    return values


def test_its_own_file_takes_a_scan(scan: Scan, path: Path) -> None:
    assert acquired(scan) == ("scan.h5", "")
    write(scan, 3, finish=True)
    assert acquired(scan) == ("scan.h5", "")
    assert ScanHolders(OpenFiles(), path, scan, NAMES).is_saved()


def test_a_scan_whose_entry_cannot_be_read_is_saved_anew_in_its_file(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=False)
    damage(path, "1.1/writer")
    assert not ScanHolders(OpenFiles(), path, scan, NAMES).is_saved()
    file = saved_anew(scan)
    assert file.uris == [f"{path}::/1.1"]
    assert points(path) == list(range(5))
    assert file.warnings == ["1.1 could not be read, it is 1.1_damaged now, and the scan is saved anew"]
    assert ScanHolders(OpenFiles(), path, scan, NAMES).is_saved()
    with h5py.File(path) as plain:
        assert list(plain) == ["1.1", "1.1_damaged"]


@pytest.mark.parametrize("item", ["1.1", "/"])
def test_a_scan_whose_entry_cannot_be_set_aside_is_saved_beside(scan: Scan, path: Path, item: str) -> None:
    write(scan, 3, finish=False)
    damage(path, item)
    assert not ScanHolders(OpenFiles(), path, scan, NAMES).is_saved()
    file = saved_anew(scan)
    side = path.with_stem("scan_rebuilt")
    assert file.uris == [f"{side}::/1.1"]
    assert points(side) == list(range(5))
    assert "bad object header" in file.warnings[0]
    assert f"the scan is saved in {side}" in file.warnings[0]
    assert ScanHolders(OpenFiles(), path, scan, NAMES).is_saved()
    if item != "/":
        with h5py.File(path) as plain:
            assert list(plain) == ["1.1"]


def test_other_scans_go_on_in_a_file_with_a_damaged_entry(scan: Scan, path: Path) -> None:
    write(scan, 3, finish=True)
    damage(path, "1.1")
    info = scan_info({"timer": {"timer": ["timer:elapsed_time"]}}, filename=str(path), scan_nb=2)
    other = Scan.from_info(info, "session:2_scan")
    file = ScanFile(other, OpenFiles(), LayoutOptions())
    file.create()
    assert file.finish({}, "", None) is None
    assert file.uris == [f"{path}::/2.1"]


def test_what_is_no_hdf5_is_left_alone(scan: Scan, path: Path) -> None:
    path.write_text("notes")
    name, remark = acquired(scan)
    assert name == "scan_rebuilt.h5"
    assert "is no HDF5 file" in remark
    assert path.read_text() == "notes"


def test_there_is_an_end_to_it(scan: Scan, path: Path) -> None:
    for name in ("", "_rebuilt", *(f"_rebuilt_{number}" for number in range(2, 10))):
        path.with_stem(f"scan{name}").write_text("notes")
    with pytest.raises((NotHdf5, FileDamaged)):
        acquired(scan)


def test_nothing_is_said_of_a_file_that_is_not_there_or_cannot_be_read(path: Path) -> None:
    assert look_at(OpenFiles(), path, list) is None
    path.write_text("notes")
    assert look_at(OpenFiles(), path, list) is None
