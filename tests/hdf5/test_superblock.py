"""What a kill within a flush leaves behind the end that the superblock knows."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.hdf5.superblock import end_where_it_ends, lookup3

CHECKED = 44
"""Bytes of a superblock before its checksum."""


@pytest.mark.parametrize("version", ["v108", "v110"])
def test_the_checksum_is_that_of_hdf5(version: str, tmp_path: Path) -> None:
    for items in range(20):
        path = tmp_path / f"{items}.h5"
        with h5py.File(path, "w", libver=(version, "v110")) as file:
            for item in range(items):
                file[str(item)] = np.arange(item * 100)
        raw = path.read_bytes()
        assert lookup3(raw[:CHECKED]) == int.from_bytes(raw[CHECKED : CHECKED + 4], "little")


def test_what_lies_behind_the_known_end_is_found_again(tmp_path: Path) -> None:
    """As after a kill within a flush: everything is on the disk but the superblock."""
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        file["first"] = 1
    superblock = path.read_bytes()[: CHECKED + 4]
    with h5py.File(path, "r+", libver=("v108", "v110")) as file:
        file["more/points"] = np.arange(5000)
    path.write_bytes(superblock + path.read_bytes()[CHECKED + 4 :])
    with h5py.File(path) as file, pytest.raises((OSError, KeyError, RuntimeError)):
        file["more/points"][()]
    files = OpenFiles()
    files.release(files.acquire(path, {}))
    with h5py.File(path) as file:
        assert file["more/points"][4999] == 4999
        assert file["first"][()] == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\x00" * 100, b"\x89HDF\r\n\x1a\n" + b"\x01" * 100])
def test_what_is_no_such_file_is_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDWR)
    end_where_it_ends(descriptor)
    os.close(descriptor)
    assert path.read_bytes() == content
