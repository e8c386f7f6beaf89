"""External datasets: raw bytes of other files, read by another process."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nexus_writer.hdf5 import MAX_FRAMES, ExternalFrames, LiveFile, RawFrame, ReplacedDataset

from .processes import run_python

READ = """
    import h5py, sys
    with h5py.File(sys.argv[1]) as file:
        data = file["image"]
        print(data.dtype.str, data.shape, data[:4].tolist())
"""


def read(live: LiveFile, frames: list[RawFrame]) -> str:
    dataset = ReplacedDataset(live.root, "image")
    dataset.stage(ExternalFrames(frames), {})
    dataset.publish()
    live.flush()
    dataset.close()
    return run_python(READ, live.path)


def test_frames_lie_behind_headers_in_several_files(live: LiveFile, tmp_path: Path) -> None:
    frames = []
    for n in range(2):
        path = tmp_path / f"{n}.raw"
        path.write_bytes(b"header" + np.array([[n, 1], [2, 3]], "<u2").tobytes() + b"trailer")
        frames.append(RawFrame(str(path), 6, np.dtype("<u2"), (2, 2)))
    assert read(live, frames) == "<u2 (2, 2, 2) [[[0, 1], [2, 3]], [[1, 1], [2, 3]]]"


def test_byte_order_is_that_of_the_file(live: LiveFile, tmp_path: Path) -> None:
    path = tmp_path / "swapped.raw"
    path.write_bytes(np.array([[258, 1], [2, 3]], ">i4").tobytes())
    frame = RawFrame(str(path), 0, np.dtype(">i4"), (2, 2))
    assert read(live, [frame]) == ">i4 (1, 2, 2) [[[258, 1], [2, 3]]]"


def test_as_many_frames_as_promised_fit(live: LiveFile, tmp_path: Path) -> None:
    path = tmp_path / "many.raw"
    path.write_bytes(np.arange(MAX_FRAMES, dtype="<u2").tobytes())
    frames = [RawFrame(str(path), 2 * n, np.dtype("<u2"), (1, 1)) for n in range(MAX_FRAMES)]
    assert read(live, frames) == f"<u2 ({MAX_FRAMES}, 1, 1) [[[0]], [[1]], [[2]], [[3]]]"
