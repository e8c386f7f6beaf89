"""Files that a camera writes: what is in them, written or not."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import FramesUnreadable, look_at_frames, read_frames

from .processes import running_python

CAMERA = """
    import h5py, sys
    with h5py.File(sys.argv[1], "w") as file:
        data = file.create_dataset("e/data", (4, 3, 5), chunks=(1, 3, 5), dtype="u2", compression="gzip")
        for frame in range(4):
            data[frame] = frame + 1
            file.flush()
            print("ready", flush=True)
            sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cam.h5")


def test_frames_are_read_while_the_camera_has_the_file_open(path: str) -> None:
    with running_python(CAMERA, path) as camera:
        assert camera.stdin is not None
        assert camera.stdout is not None
        assert look_at_frames(path, "/e/data", 2).count == 4
        assert read_frames(path, "/e/data", 2, 0, 1)[:, 0, 0].tolist() == [1]
        with pytest.raises(FramesUnreadable, match="not written"):
            read_frames(path, "/e/data", 2, 0, 2)
        camera.stdin.write("\n")
        camera.stdin.flush()
        assert camera.stdout.readline()
        assert read_frames(path, "/e/data", 2, 0, 2)[:, 0, 0].tolist() == [1, 2]
        assert read_frames(path, "/e/data", 2, 1, 1).shape == (1, 3, 5)


@pytest.mark.parametrize("chunks", [None, (2, 2, 2), (3, 3, 5)])
def test_any_cut_into_chunks(path: str, chunks: tuple[int, ...] | None) -> None:
    values = np.arange(60, dtype="f4").reshape(4, 3, 5)
    with h5py.File(path, "w") as file:
        file.create_dataset("data", data=values, chunks=chunks)
    assert np.array_equal(read_frames(path, "data", 2, 1, 3), values[1:])


def test_a_dataset_of_one_frame(path: str) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((3, 5))
        file["old/data/array"] = np.ones((1, 3, 5))
    assert read_frames(path, "data", 2, 0, 1).shape == (1, 3, 5)
    assert look_at_frames(path, "old/data/array", 2).shape == (3, 5)


def test_what_is_not_there_is_told(path: str, tmp_path: Path) -> None:
    with pytest.raises(FramesUnreadable, match="does not exist"):
        look_at_frames(path, "data", 2)
    Path(path).write_bytes(b"not yet")
    with pytest.raises(FramesUnreadable, match=r"cam\.h5"):
        look_at_frames(path, "data", 2)
    with h5py.File(path, "w") as file:
        file["data"] = np.ones((2, 3, 5))
        file.create_dataset("empty", shape=(2, 3, 5), dtype="u2")
    with pytest.raises(FramesUnreadable, match="no other"):
        look_at_frames(path, "other", 2)
    with pytest.raises(FramesUnreadable, match="2 frames, 3 are needed"):
        look_at_frames(path, "data", 2, 1, 2)
    with pytest.raises(FramesUnreadable, match="dimensions"):
        look_at_frames(path, "data", 1)
    with pytest.raises(FramesUnreadable, match="not written"):
        look_at_frames(path, "empty", 2, 0, 1)
