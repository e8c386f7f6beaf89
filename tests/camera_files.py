"""Files as a Lima camera writes them; every pixel of a frame is the frame's index in the scan.

In a process of its own, as a camera is:

    python tests/camera_files.py DIRECTORY PREFIX FRAMES_PER_FILE [--keep-lock]

writes a frame for every line it reads, and answers with the number of frames that it has saved.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SHAPE = (4, 6)
DTYPE = np.dtype("u2")
DATASET = "/entry_0000/ESRF-ID00/cam/data"


def saving(directory: Path, **changes: Any) -> dict[str, Any]:
    """What the camera says before it measures."""
    return {
        "saving_mode": "AUTO_FRAME",
        "saving_format": "HDF5",
        "saving_directory": str(directory),
        "saving_prefix": "cam_",
        "saving_suffix": ".h5",
        "saving_index_format": "%04d",
        "saving_frame_per_file": 2,
        "saving_frame_per_acquisition": 0,
        "user_detector_name": "cam",
        "user_instrument_name": "ESRF-ID00",
        "lima_version": "1.9.10",
    } | changes


def frame(index: int) -> np.ndarray[Any, Any]:
    return np.full(SHAPE, index, DTYPE)


@contextmanager
def camera_file(path: Path, room: int, *, locking: bool = False) -> Iterator[Any]:
    """A file with room for so many frames, none of them written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", locking=locking) as file:
        yield file.create_dataset(DATASET, (room, *SHAPE), DTYPE, chunks=(1, *SHAPE))


def write_files(directory: Path, frames: int, per_file: int = 2, room: int | None = None) -> list[Path]:
    """All files of a camera that has finished; with ``room`` for more frames in each than it has."""
    paths = []
    for number, first in enumerate(range(0, frames, per_file)):
        paths.append(directory / f"cam_{number:04d}.h5")
        with camera_file(paths[-1], room or per_file) as data:
            for index in range(first, min(first + per_file, frames)):
                data[index - first] = frame(index)
    return paths


def main() -> None:
    directory, prefix, per_file = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    keeps_lock = "--keep-lock" in sys.argv
    saved = 0
    print("ready", flush=True)
    while True:
        path = directory / f"{prefix}{saved // per_file:04d}.h5"
        with camera_file(path, per_file, locking=keeps_lock) as data:
            for index in range(per_file):
                if not sys.stdin.readline():
                    return
                data[index] = frame(saved)
                data.file.flush()
                saved += 1
                if index < per_file - 1:
                    print(saved, flush=True)
        print(saved, flush=True)


if __name__ == "__main__":
    main()
