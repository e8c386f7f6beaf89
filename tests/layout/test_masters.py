"""Links from the files of collection and proposal."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, Masters, ScanFile
from nexus_writer.layout.entry_links import EntryLink
from nexus_writer.layout.masters import RETRY_EVERY_S, master_links
from nexus_writer.model import Scan
from tests.hdf5.processes import running_python
from tests.waiting import allowed_s

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


def test_a_name_that_is_taken_is_left_alone_and_another_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["ds_1.1"] = 5
    assert write(scan_below(tmp_path)).warnings == []
    with h5py.File(tmp_path / "p.h5") as file:
        assert file["ds_1.1"][()] == 5
        assert set(file) == {"ds_1.1", "ds_1.2", "collection_ds_ds_1.1"}
        assert file["collection_ds_ds_1.1/title"][()] == b"a title"


def test_no_name_that_is_free_costs_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["ds_1.1"] = file["collection_ds_ds_1.1"] = 5
    [warning] = write(scan_below(tmp_path)).warnings
    assert warning == (
        f"1.1 of collection/ds/ds.h5 is not linked in {tmp_path / 'p.h5'}: something else is "
        "collection_ds_ds_1.1 there"
    )


def test_a_link_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    write(scan_below(tmp_path))
    (tmp_path / "collection/ds/ds.h5").unlink()  # measured anew: the link that dangles is the right one
    assert write(scan_below(tmp_path)).warnings == []
    with h5py.File(tmp_path / "p.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2"}
        assert "title" in file["ds_1.1"]


def separate_scan(root: Path, dataset: str) -> Scan:
    """Scan 1 of a dataset of the collection, in a file of its own."""
    directory = root / "collection" / dataset
    info = scan_info(
        {"m1": {"m1": []}},
        filename=str(directory / f"{dataset}.h5"),
        images_path=str(directory / "scan0001/{img_acq_device}_"),
        writer_options={"separate_scan_files": True},
    )
    collection = str(root / "collection" / "c.h5")
    info["nexuswriter"]["masterfiles"] = {"dataset": info["filename"], "dataset_collection": collection}
    return Scan.from_info(info, "s:1_scan")


def test_two_datasets_with_a_file_for_each_scan_are_both_linked(tmp_path: Path) -> None:
    for dataset in ("a", "b", "a", "b"):
        (tmp_path / "collection" / dataset / "scan0001" / "bliss_master.h5").unlink(missing_ok=True)
        assert write(separate_scan(tmp_path, dataset)).warnings == []
    with h5py.File(tmp_path / "collection" / "c.h5") as file:
        links = {name: file.get(name, getlink=True).filename for name in file}
    assert links == {"bliss_master_1.1": "a/scan0001/bliss_master.h5", "b_1.1": "b/scan0001/bliss_master.h5"}
    with h5py.File(tmp_path / "collection" / "b" / "b.h5") as file:
        assert list(file) == ["1.1"]
        assert file["1.1/title"][()] == b"a title"


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


class Clock:
    """Shows what a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_master_is_tried_again_while_the_scan_runs(tmp_path: Path) -> None:
    files, clock = OpenFiles(), Clock()
    masters = Masters(files, clock)
    scan_file = ScanFile(scan_below(tmp_path), files, LayoutOptions(), masters)
    (tmp_path / "p.h5").write_text("no HDF5")
    scan_file.create()
    assert scan_file.warnings == []  # it may be the matter of a moment
    scan_file.commit()
    assert scan_file.warnings == []
    clock.now_s += RETRY_EVERY_S
    scan_file.commit()
    [warning] = scan_file.warnings
    assert warning.startswith(f"the scan is not linked in {tmp_path / 'p.h5'}, which is tried again")
    (tmp_path / "p.h5").unlink()
    scan_file.commit()
    assert not (tmp_path / "p.h5").exists()
    clock.now_s += RETRY_EVERY_S
    scan_file.commit()
    with h5py.File(tmp_path / "p.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2"}
    assert len(masters) == 0
    scan_file.finish({}, "", None)
    assert scan_file.warnings == [warning]


def test_a_link_outlives_its_scan(tmp_path: Path) -> None:
    files = OpenFiles()
    masters = Masters(files)
    (tmp_path / "p.h5").write_text("no HDF5")
    first = ScanFile(scan_below(tmp_path), files, LayoutOptions(), masters)
    first.create()
    first.finish({}, "", None)
    assert len(first.warnings) == 1
    (tmp_path / "p.h5").unlink()
    second = ScanFile(scan_below(tmp_path, scan_nb=2), files, LayoutOptions(), masters)
    second.create()
    second.finish({}, "", None)
    with h5py.File(tmp_path / "p.h5") as file:
        assert set(file) == {"ds_1.1", "ds_1.2", "ds_2.1", "ds_2.2"}
    assert len(files) == 0


def test_a_master_that_another_process_writes_costs_a_warning(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w"):
        pass
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "r+")
        print("ready", flush=True)
        sys.stdin.read()
    """
    files = OpenFiles()
    scan_file = ScanFile(scan_below(tmp_path), files, LayoutOptions())
    with running_python(code, tmp_path / "p.h5"):
        began_s = time.monotonic()
        scan_file.create()
        assert scan_file.finish({}, "", None) is None
        assert time.monotonic() - began_s < allowed_s(0.2)
    [warning] = scan_file.warnings
    assert "is open for writing in" in warning
    with h5py.File(tmp_path / "collection/ds/ds.h5") as file:
        assert file["1.1/writer/status"][()] == b"SUCCEEDED"
        assert file["1.1/writer/warnings"].asstr()[()].tolist() == [warning]


def test_only_so_many_links_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_writer.layout.masters.MOST_WAITING", 3)
    (tmp_path / "p.h5").write_text("no HDF5")
    masters = Masters(OpenFiles())
    links = [EntryLink(tmp_path / "p.h5", (f"{n}.1",), "x.h5", f"{n}.1") for n in range(5)]
    masters.link(links[:2], {})
    masters.link(links[2:], {})
    (tmp_path / "p.h5").unlink()
    assert masters.retry(links, at_once=True) == []
    with h5py.File(tmp_path / "p.h5") as file:
        assert list(file.keys()) == ["2.1", "3.1", "4.1"]


def test_no_links_in_the_file_itself(tmp_path: Path) -> None:
    info = scan_info(TWO, filename=str(tmp_path / "ds.h5"))
    info["nexuswriter"]["masterfiles"] = {"proposal": str(tmp_path / "ds.h5")}
    assert master_links(Scan.from_info(info, "s:1")) == []


@pytest.mark.parametrize("masters", [{}, {"proposal": ""}, {"proposal": None}])
def test_no_masters(tmp_path: Path, masters: dict[str, str]) -> None:
    info = scan_info(TWO, filename=str(tmp_path / "ds.h5"))
    info["nexuswriter"]["masterfiles"] = masters
    assert master_links(Scan.from_info(info, "s:1")) == []


def test_each_scan_is_told_of_its_own_links(tmp_path: Path) -> None:
    clock = Clock()
    masters = Masters(OpenFiles(), clock)
    mine, other = (EntryLink(tmp_path / "p.h5", (f"{n}.1",), f"{n}.h5", f"{n}.1") for n in (1, 2))
    (tmp_path / "p.h5").write_text("no HDF5")
    assert masters.link([mine], {}) == masters.link([other], {}) == []
    clock.now_s += RETRY_EVERY_S
    [why] = masters.retry([mine])
    assert masters.retry([mine]) == masters.retry([other]) == [why]  # told again without another try
    assert masters.retry([]) == []
    (tmp_path / "p.h5").unlink()
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["2.1"] = 5
    clock.now_s += RETRY_EVERY_S
    assert masters.retry([mine]) == []
    [impossible] = masters.retry([other])
    assert "something else is 2.1 there" in impossible
    assert masters.retry([other]) == []


def test_what_hinders_links_is_told_however_many_others_nobody_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their scans have ended: a server that runs for months meets many of them."""
    monkeypatch.setattr("nexus_writer.layout.masters.MOST_WAITING", 3)
    with h5py.File(tmp_path / "p.h5", "w") as file:
        for number in range(6):
            file.create_group(f"{number}.1")
    masters = Masters(OpenFiles())
    links = [EntryLink(tmp_path / "p.h5", (f"{n}.1",), "x.h5", f"{n}.1") for n in range(6)]
    for link in links[:5]:
        masters._waiting[link] = {}
        masters._try(link.file)
    assert len(masters.link(links[5:], {})) == 1
    assert len(masters._impossible) <= 3
