"""What a manifest lists, and what of it is missed later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from nexus_writer.hdf5.manifest_check import wrong_sizes
from nexus_writer.layout import LayoutOptions
from tests.camera_files import write_files
from tests.manifests import assert_as_written

from .test_camera_data import COPY, NAMED, Camera


def saved(files: Any, directory: Path, options: LayoutOptions) -> Camera:
    """A camera with 5 frames in 3 files, of which the last one is missing."""
    camera = Camera(files, directory, options)
    camera.describe()
    write_files(camera.directory, 6)[2].unlink()
    camera.finish(5)
    return camera


def test_files_of_a_camera_are_listed_with_their_sizes(files: Any, tmp_path: Path) -> None:
    camera = saved(files, tmp_path, LayoutOptions())
    first = camera.directory / "cam_0000.h5"
    with camera.opened() as file:
        manifest = file["1.1/writer/manifest"]
        assert len(manifest["dataset"]) == len(manifest["sha256"]) == 0
        assert manifest["files/dataset"].asstr()[()].tolist() == ["instrument/image/data"] * 3
        assert manifest["files/file"].asstr()[()].tolist() == [f"scan0001/cam_000{n}.h5" for n in range(3)]
        nbytes = first.stat().st_size
        assert manifest["files/nbytes"][()].tolist() == [nbytes, nbytes, -1]
    with first.open("r+b") as cut:
        cut.truncate(100)
    with camera.opened() as file:
        (wrong,) = wrong_sizes(file["1.1"], tmp_path)
    assert wrong == f"/1.1/instrument/image/data: scan0001/cam_0000.h5 had {nbytes} bytes, it has 100"


@pytest.mark.parametrize(("options", "datasets"), [(COPY, ["instrument/image/data"]), (NAMED, [])])
def test_only_copies_of_frames_have_digests(
    files: Any, tmp_path: Path, options: LayoutOptions, datasets: list[str]
) -> None:
    camera = saved(files, tmp_path, options)
    with camera.opened() as file:
        assert_as_written(file["1.1"])
        writer = file["1.1/writer"]
        found = writer["manifest/dataset"].asstr()[()].tolist() if "manifest" in writer else []
        assert found == datasets
        assert "manifest/files" not in writer
        assert isinstance(file["1.1/instrument/image/data"], h5py.Dataset)
