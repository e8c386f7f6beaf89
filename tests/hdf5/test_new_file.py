"""New files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import new_file
from nexus_writer.hdf5.new_file import create_if_missing

ROOT = {"creator": "bliss", "publisher_version": "1.0"}


def root_of(path: Path) -> dict[str, str]:
    with h5py.File(path) as file:
        return dict(file.attrs)


def made(path: Path, attributes: dict[str, str]) -> dict[str, str]:
    before = datetime.now().astimezone()
    create_if_missing(path, attributes)
    found = root_of(path)
    if "file_time" not in attributes:
        assert before <= datetime.fromisoformat(found.pop("file_time")) <= datetime.now().astimezone()
    return found


@pytest.mark.parametrize(
    "names",
    [
        ["scan_0001.h5", "scan_0002.h5", "scan_0003.h5"],
        ["a.h5", "a_longer_name.h5", "b.h5"],
        ["µ.h5", "aa.h5", "\udcff.h5", "\udcfe.h5"],
    ],
)
def test_files_of_names_that_are_alike(tmp_path: Path, names: list[str]) -> None:
    """What they have in common is made once."""
    for number, name in enumerate(names):
        found = made(tmp_path / name, ROOT)
        assert found.pop("file_name") == str(tmp_path / name).encode("utf-8", "backslashreplace").decode()
        assert found == {
            "NX_class": "NXroot",
            "HDF5_Version": h5py.version.hdf5_version,
            "h5py_version": h5py.version.version,
            **ROOT,
        }, number
        with h5py.File(tmp_path / name, "a") as file:
            file.attrs["other"] = name.encode("utf-8", "backslashreplace").decode()
            file.create_group("1.1")


def test_files_of_other_attributes(tmp_path: Path) -> None:
    for number, attributes in enumerate((ROOT, ROOT | {"creator": "other"}, {"file_name": "own"}, ROOT)):
        found = made(tmp_path / f"{number}.h5", attributes)
        assert found.items() >= attributes.items()
        assert found["file_name"] == attributes.get("file_name", str(tmp_path / f"{number}.h5"))
        assert ("creator" in found) == ("creator" in attributes)


def test_few_of_them_are_remembered(tmp_path: Path) -> None:
    for number in range(3 * new_file._MOST_TEMPLATES):
        create_if_missing(tmp_path / f"{'x' * number}.h5", ROOT)
    assert len(new_file._templates) <= new_file._MOST_TEMPLATES
