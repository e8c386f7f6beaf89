"""Which file, which entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_writer.layout import data_file, entry_uris
from nexus_writer.model import Scan
from tests.model.scan_infos import scan_info

from .scans import scan_of

TWO = {"m1": {"m1": ["m1:a"]}, "m2": {"m2": ["m2:a"]}}
SEPARATE = {"separate_scan_files": True}


def test_one_entry_per_top_master() -> None:
    scan = scan_of(TWO, filename="/d/file.h5", scan_nb=7)
    assert entry_uris(scan) == ["/d/file.h5::/7.1", "/d/file.h5::/7.2"]


def test_an_empty_chain_has_one_entry() -> None:
    assert entry_uris(scan_of({}, filename="/d/file.h5", scan_nb=3)) == ["/d/file.h5::/3.1"]


def test_ten_subscans_are_in_chain_order() -> None:
    scan = scan_of({f"m{i}": {} for i in range(1, 12)}, filename="/d/f.h5")
    assert [uri.rpartition("/")[2] for uri in entry_uris(scan)] == [f"1.{i}" for i in range(1, 12)]


def test_without_a_file_name_there_are_no_uris() -> None:
    assert entry_uris(scan_of(TWO)) == []


@pytest.mark.parametrize(
    ("images_path", "path"),
    [
        ("/d/scan0001/{img_acq_device}_", "/d/scan0001/bliss_master.h5"),
        ("/d/a/b/x{img_acq_device}/c", "/d/a/b/bliss_master.h5"),
        ("/d/{img_acq_device}", "/d/bliss_master.h5"),
        ("/d/scan0001", "/d/scan0001/bliss_master.h5"),
        ("/e/scan0001/{x}", "/e/scan0001/bliss_master.h5"),
        ("", "/d/file.h5"),
    ],
)
def test_a_file_per_scan_lies_where_the_images_are(images_path: str, path: str) -> None:
    scan = scan_of(TWO, filename="/d/file.h5", images_path=images_path, writer_options=SEPARATE)
    assert data_file(scan) == Path(path)


def test_a_file_per_scan_of_a_real_scan() -> None:
    scan = Scan.from_info(scan_info("separate_loopscan"), "s:1_loopscan")
    assert data_file(scan) == Path(scan.filename).parent / "scan0001" / "bliss_master.h5"
