"""Links from the files of collection and proposal."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.layout.masters import master_links
from nexus_writer.model import Scan

from .scans import scan_info

TWO = {"m1": {"m1": []}, "m2": {"m2": []}}


def scan_below(root: Path, **fields: object) -> Scan:
    masters = {
        "dataset_collection": str(root / "collection" / "c.h5"),
        "proposal": str(root / "p.h5"),
    }
    info = scan_info(TWO, filename=str(root / "collection" / "ds" / "ds.h5"), **fields)
    info["nexuswriter"]["masterfiles"] = masters
    return Scan.from_info(info, "s:1_scan")


def write(scan: Scan, options: LayoutOptions | None = None) -> ScanFile:
    files = OpenFiles()
    scan_file = ScanFile(scan, files, options or LayoutOptions())
    scan_file.create()
    scan_file.finish({"nexuswriter": {"masterfiles": {}}}, "", None)
    assert len(files) == 0
    return scan_file


def test_collection_and_proposal_link_to_each_entry(tmp_path: Path) -> None:
    assert write(scan_below(tmp_path)).warnings == []
    for master, target in (
        (tmp_path / "p.h5", "collection/ds/ds.h5"),
        (tmp_path / "collection/c.h5", "ds/ds.h5"),
    ):
        with h5py.File(master) as file:
            assert file.attrs["NX_class"] == "NXroot"
            assert "default" not in file.attrs
            links = {name: file.get(name, getlink=True) for name in file}
            assert {name: (link.filename, link.path) for name, link in links.items()} == {
                "ds_1.1": (target, "/1.1"),
                "ds_1.2": (target, "/1.2"),
            }


def test_links_are_there_from_the_start_and_lead_to_the_scan_after_a_move(tmp_path: Path) -> None:
    files = OpenFiles()
    scan_file = ScanFile(scan_below(tmp_path / "here"), files, LayoutOptions())
    scan_file.create()
    with h5py.File(tmp_path / "here" / "p.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2"}
    scan_file.finish({}, "", None)
    shutil.move(tmp_path / "here", tmp_path / "there")
    with h5py.File(tmp_path / "there" / "p.h5") as file:
        assert file["ds_1.2/title"][()] == b"a title"


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["ds_1.1"] = 5
    write(scan_below(tmp_path))
    with h5py.File(tmp_path / "p.h5") as file:
        assert file["ds_1.1"][()] == 5
        assert "ds_1.2" in file


def test_a_file_per_scan_is_linked_by_its_dataset_and_directly_by_the_others(tmp_path: Path) -> None:
    scan = scan_below(
        tmp_path,
        images_path=str(tmp_path / "collection/ds/scan0001/{img_acq_device}_"),
        writer_options={"separate_scan_files": True},
    )
    masters = {"dataset": scan.filename, **scan.masters}
    info = scan_info(
        TWO,
        filename=scan.filename,
        images_path=scan.images_path,
        writer_options={"separate_scan_files": True},
    )
    info["nexuswriter"]["masterfiles"] = masters
    links = master_links(Scan.from_info(info, "s:1_scan"))
    assert [(link.file.name, link.names[0], link.target) for link in links if link.entry == "1.1"] == [
        ("ds.h5", "1.1", "scan0001/bliss_master.h5"),
        ("c.h5", "bliss_master_1.1", "ds/scan0001/bliss_master.h5"),
        ("p.h5", "bliss_master_1.1", "collection/ds/scan0001/bliss_master.h5"),
    ]


def test_a_scan_without_config_links_only_its_dataset(tmp_path: Path) -> None:
    write(scan_below(tmp_path), LayoutOptions(noconfig=True))
    assert not (tmp_path / "p.h5").exists()


def test_a_master_that_cannot_be_written_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "p.h5").write_text("no HDF5")
    scan_file = write(scan_below(tmp_path))
    assert len(scan_file.warnings) == 1
    assert "p.h5" in scan_file.warnings[0]
    with h5py.File(tmp_path / "collection/ds/ds.h5") as file:
        assert file["1.1/writer/status"][()] == b"SUCCEEDED"
    with h5py.File(tmp_path / "collection/c.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2"}


def test_a_master_that_comes_free_is_linked_at_the_end(tmp_path: Path) -> None:
    files = OpenFiles()
    scan_file = ScanFile(scan_below(tmp_path), files, LayoutOptions())
    (tmp_path / "p.h5").write_text("no HDF5")
    scan_file.create()
    (tmp_path / "p.h5").unlink()
    scan_file.finish({}, "", None)
    with h5py.File(tmp_path / "p.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2"}


def test_no_links_in_the_file_itself(tmp_path: Path) -> None:
    info = scan_info(TWO, filename=str(tmp_path / "ds.h5"))
    info["nexuswriter"]["masterfiles"] = {"proposal": str(tmp_path / "ds.h5")}
    assert master_links(Scan.from_info(info, "s:1")) == []


@pytest.mark.parametrize("masters", [{}, {"proposal": ""}, {"proposal": None}])
def test_no_masters(tmp_path: Path, masters: dict[str, str]) -> None:
    info = scan_info(TWO, filename=str(tmp_path / "ds.h5"))
    info["nexuswriter"]["masterfiles"] = masters
    assert master_links(Scan.from_info(info, "s:1")) == []
