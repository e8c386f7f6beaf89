"""Virtual datasets over files of a camera, read by another process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import LiveFile, ReplacedDataset, VirtualFrames, source_name
from nexus_writer.model import FrameRun

from .processes import run_python

READ = """
    import h5py, json, sys
    with h5py.File(sys.argv[1]) as file:
        data = file["image"]
        assert data.is_virtual
        assert data.maxshape == (None,) * data.ndim
        sources = [source.file_name for source in data.virtual_sources()]
        pixels = [float(frame.flat[0]) for frame in data[()]]
        print(json.dumps([list(data.shape), data.dtype.str, pixels, sources]))
"""


def camera_file(path: Path, first: int, frames: int, shape: tuple[int, ...] = (2, 3), **kwargs: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        values = np.arange(first, first + frames, dtype="u2")
        file.create_dataset("e/data", data=np.multiply.outer(values, np.ones(shape, "u2")), **kwargs)
    return str(path)


def read(live: LiveFile, runs: list[FrameRun], shape: tuple[int, ...] = (2, 3), dtype: str = "u2") -> Any:
    """(shape, dtype, first pixel of each frame, names of sources)."""
    dataset = ReplacedDataset(live.root, "image")
    dataset.stage(VirtualFrames(runs, np.dtype(dtype), shape), {})
    dataset.publish()
    live.flush()
    dataset.close()
    return json.loads(run_python(READ, live.path))


def run(start: int, count: int, file: str, first: int = 0) -> FrameRun:
    return FrameRun(start, count, file, "/e/data", first)


def test_frames_of_several_files_follow_each_other(live: LiveFile, tmp_path: Path) -> None:
    for n in range(3):
        camera_file(tmp_path / "scan" / f"cam{n}.h5", 10 * n, 2)
    runs = [run(2 * n, 2, f"scan/cam{n}.h5") for n in range(3)]
    shape, dtype, pixels, sources = read(live, runs)
    assert (shape, dtype, pixels) == ([6, 2, 3], "<u2", [0, 1, 10, 11, 20, 21])
    assert sources == ["scan/cam0.h5", "scan/cam1.h5", "scan/cam2.h5"]


def test_spare_frames_of_a_file_are_not_taken(live: LiveFile, tmp_path: Path) -> None:
    camera_file(tmp_path / "cam.h5", 0, 10)
    assert read(live, [run(0, 3, "cam.h5", first=4)])[2] == [4, 5, 6]


def test_a_file_may_come_later(live: LiveFile, tmp_path: Path) -> None:
    runs = [run(0, 2, "cam0.h5"), run(2, 2, "cam1.h5")]
    camera_file(tmp_path / "cam0.h5", 5, 2)
    assert read(live, runs)[2] == [5, 6, 0, 0]
    camera_file(tmp_path / "cam1.h5", 7, 2)
    assert json.loads(run_python(READ, live.path))[2] == [5, 6, 7, 8]


def test_no_frames_yet(live: LiveFile) -> None:
    assert read(live, [])[:3] == [[0, 2, 3], "<u2", []]


def test_missing_frames_of_floats_are_nan(live: LiveFile) -> None:
    _, dtype, pixels, _ = read(live, [run(0, 1, "missing.h5")], dtype="<f4")
    assert dtype == "<f4"
    assert np.isnan(pixels).all()


def test_percent_signs_are_no_placeholders(live: LiveFile, tmp_path: Path) -> None:
    camera_file(tmp_path / "50%b" / "cam%d.h5", 3, 1)
    assert read(live, [run(0, 1, "50%b/cam%d.h5")])[2] == [3]


def test_frames_may_have_colours(live: LiveFile, tmp_path: Path) -> None:
    camera_file(tmp_path / "cam.h5", 3, 2, shape=(2, 3, 3))
    assert read(live, [run(0, 2, "cam.h5")], shape=(2, 3, 3))[0] == [2, 2, 3, 3]


@pytest.mark.parametrize("frames", [0, 1, 4, 5, 12, 14])
@pytest.mark.parametrize("per_file", [1, 5, 100])
def test_frames_on_a_grid(live: LiveFile, tmp_path: Path, frames: int, per_file: int) -> None:
    grid = (3, 2, 2)
    runs = []
    for start in range(0, frames, per_file):
        count = min(per_file, frames - start)
        camera_file(tmp_path / f"cam{start}.h5", 90 + start, 10 + count)
        runs.append(run(start, count, f"cam{start}.h5", first=10))
    dataset = ReplacedDataset(live.root, "image")
    dataset.stage(VirtualFrames(runs, np.dtype("u2"), (2, 3), grid), {})
    dataset.publish()
    live.flush()
    dataset.close()
    with h5py.File(live.path, locking=False) as file:
        data = file["image"]
        assert (data.shape, data.maxshape) == ((max(3, -(-frames // 4)), 2, 2, 2, 3), (None,) * 5)
        pixels = data[..., 1, 2].ravel().tolist()
    assert pixels == [*range(100, 100 + frames), *[0] * (len(pixels) - frames)]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/data/ds/scan0001/cam.h5", "scan0001/cam.h5"),
        ("/data/ds/cam.h5", "cam.h5"),
        ("/data/other/cam.h5", "/data/other/cam.h5"),
        ("/data/ds/a..b/cam.h5", "a..b/cam.h5"),
    ],
)
def test_names_of_sources_are_relative_below_the_file(file: str, name: str) -> None:
    assert source_name(file, "/data/ds") == name
