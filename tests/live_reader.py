"""A reader in a process of its own: opens and walks a file again and again, as a plain h5py program does.

    python tests/live_reader.py FILE DATASET NPOINTS

Prints one JSON object: when the dataset was first seen with each number of points (epoch seconds), the
number of walks, and the errors of those that failed. Ends when all points were seen.
"""

from __future__ import annotations

import json
import os
import sys
import time

import h5py

assert "HDF5_USE_FILE_LOCKING" not in os.environ


def walk(path: str, dataset: str) -> int:
    """Visit every item of the file, read every dataset; the length of ``dataset``."""
    with h5py.File(path) as file:

        def visit(_: str, item: h5py.Group | h5py.Dataset) -> None:
            dict(item.attrs)
            if isinstance(item, h5py.Dataset):
                item[()]

        file.visititems(visit)
        return len(file[dataset]) if dataset in file else 0


def main() -> None:
    path, dataset, npoints = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seen: dict[int, float] = {}
    errors: list[str] = []
    walks = 0
    deadline = time.time() + 60
    while max(seen, default=0) < npoints and time.time() < deadline:
        if not os.path.exists(path):  # noqa: PTH110
            time.sleep(0.01)
            continue
        walks += 1
        try:
            points = walk(path, dataset)
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            errors.append(f"{type(error).__name__}: {error}")
        else:
            seen.setdefault(points, time.time())
        time.sleep(0.005)
    print(json.dumps({"seen": seen, "walks": walks, "errors": errors}))


if __name__ == "__main__":
    main()
