"""Copies of entries without their large data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import copy_skeleton, lost_links, own_entries
from nexus_writer.hdf5.skeleton import MOST_COPIED_NBYTES


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.h5"
    (tmp_path / "frames.raw").write_bytes(bytes(24))
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        entry = file.create_group("1.1")
        entry.attrs["NX_class"] = "NXentry"
        entry.attrs["list"] = ["a", "é"]
        entry.attrs["flag"] = True
        entry.attrs["empty"] = h5py.Empty("f8")
        entry["title"] = "a title"
        entry["dates"] = ["2026-11-20", "x"]
        entry["small"] = np.arange(5, dtype=">i2")
        entry["small"].attrs["units"] = "mm"
        entry.create_dataset("large", data=np.ones((100, 200)), maxshape=(None, None), compression="gzip")
        entry.create_dataset("texts", data=["text"] * 2000)
        entry["nothing"] = h5py.Empty("f8")
        layout = h5py.VirtualLayout((2, 3), "u2")
        layout[0] = h5py.VirtualSource("frames.h5", "data", (3,))
        entry.create_virtual_dataset("virtual", layout)
        entry.create_dataset("external", (3,), "f8", external=[("frames.raw", 0, 24)])
        entry["group/inner"] = 1
        entry["soft"] = h5py.SoftLink("/1.1/group")
        entry["dangling"] = h5py.SoftLink("/nothing")
        entry["elsewhere"] = h5py.ExternalLink("source.h5", "/1.1")
        entry["lost"] = h5py.ExternalLink("no/such.h5", "/1.1")
        file["2.1"] = h5py.ExternalLink("gone.h5", "/2.1")
        file["alias"] = h5py.SoftLink("/1.1")
        file["number"] = 5
    return path


def copied(source: Path) -> Any:
    target = source.with_name("copy.h5")
    lost = copy_skeleton(source, "1.1", target)
    assert lost == ["/1.1/lost: leads to no/such.h5, which does not exist"]
    return h5py.File(target)


def test_only_groups_of_its_own_are_entries(source: Path) -> None:
    assert own_entries(source) == ["1.1"]
    assert lost_links(source) == ["/2.1: leads to gone.h5, which does not exist"]


def test_names_types_shapes_and_attributes_are_kept(source: Path) -> None:
    with copied(source) as copy, h5py.File(source) as file:
        assert list(copy) == ["1.1"]
        assert copy.attrs["NX_class"] == "NXroot"
        original, entry = file["1.1"], copy["1.1"]
        assert set(original) - set(entry) == {"elsewhere", "lost"}
        assert entry.attrs["list"].tolist() == ["a", "é"]
        assert entry.attrs["flag"]
        assert isinstance(entry.attrs["empty"], h5py.Empty)
        for name, item in original.items():
            if isinstance(item, h5py.Dataset):
                assert (entry[name].dtype, entry[name].shape) == (item.dtype, item.shape), name
        assert entry["small"].attrs["units"] == "mm"
        assert entry["small"][()].tolist() == [0, 1, 2, 3, 4]
        assert entry["title"].asstr()[()] == "a title"
        assert entry["dates"].asstr()[()].tolist() == ["2026-11-20", "x"]
        assert entry.get("soft", getlink=True).path == "/1.1/group"
        assert entry.get("dangling", getlink=True).path == "/nothing"
        assert entry["group/inner"][()] == 1


def test_large_data_stay_where_they_are(source: Path) -> None:
    with h5py.File(source, "r+") as file:
        file.create_dataset("1.1/huge", (10_000, 10_000, 10), "f8", chunks=(100, 100, 10))
        assert file["1.1/large"].nbytes > MOST_COPIED_NBYTES
    with copied(source) as copy:
        entry = copy["1.1"]
        assert not entry["virtual"].is_virtual
        assert entry["external"].external is None
        assert not entry["large"][()].any()
        assert entry["huge"].shape == (10_000, 10_000, 10)
    assert source.with_name("copy.h5").stat().st_size < 100_000


def test_what_is_not_there(source: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        copy_skeleton(source, "9.1", tmp_path / "copy.h5")
    with pytest.raises(OSError, match="No such file"):
        copy_skeleton(tmp_path / "none.h5", "1.1", tmp_path / "copy.h5")
