"""Names of entries by a template."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import BadEntryName, LayoutOptions, ScanFile, check_entry_name, entry_uris

from .scans import scan_of

STRICT = "scan_{scan_nb:04d}_{subscan}"
TWO = {"m1": {"m1": ["m1:a"]}, "m2": {"m2": ["m2:a"]}}


@pytest.mark.parametrize(
    "template", ["{scan_nb}.{subscan}", STRICT, "s{subscan}_{scan_nb}", "{scan_nb:05}_{subscan:02}"]
)
def test_templates_that_name_every_subscan(template: str) -> None:
    check_entry_name(template)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("", "gives two entries one name"),
        ("scan", "gives two entries one name"),
        ("{scan_nb}", "gives two entries one name"),
        ("{subscan}", "gives two entries one name"),
        ("{scan_nb}{subscan}", "gives two entries one name"),
        ("{scan_nb}/{subscan}", "gives '1/1', which is no NeXus name"),
        ("{scan_nb}.{subscan}.", "gives '1.1.', which is no NeXus name"),
        ("{scan_nb} {subscan}", "is no NeXus name"),
        ("{number}.{subscan}", "has a field {number}"),
        ("{}.{}", "has a field {}"),
        ("{scan_nb.real}.{subscan}", "has a field {scan_nb.real}"),
        ("{scan_nb", "is no template"),
        ("{scan_nb:nonsense}.{subscan}", "is no template"),
    ],
)
def test_templates_that_do_not(template: str, why: str) -> None:
    with pytest.raises(BadEntryName) as error:
        check_entry_name(template)
    assert why in str(error.value)
    assert "scan_{scan_nb:04d}_{subscan}" in str(error.value)


def test_the_template_names_entries_uris_links_and_masters(tmp_path: Path) -> None:
    path = tmp_path / "ds" / "ds.h5"
    masters = {"masterfiles": {"proposal": str(tmp_path / "p.h5")}}
    scan = scan_of(TWO, filename=str(path), scan_nb=7, nexuswriter=masters)
    scan_file = ScanFile(scan, OpenFiles(), LayoutOptions(entry_name=STRICT))
    assert scan_file.uris == entry_uris(scan, STRICT) == [f"{path}::/scan_0007_1", f"{path}::/scan_0007_2"]
    scan_file.create()
    scan_file.finish({}, "", None)
    with h5py.File(path) as file:
        assert list(file) == ["scan_0007_1", "scan_0007_2"]
        assert file.attrs["default"] == "scan_0007_1"
    with h5py.File(tmp_path / "p.h5") as file:
        assert list(file) == ["ds_scan_0007_1", "ds_scan_0007_2"]
        assert "title" in file["ds_scan_0007_2"]
