"""A reader in a process of its own, that opens, walks, stays and closes until its standard input ends.

    python tests/faults/reader.py plain|live FILE

``plain`` is h5py as anybody uses it; ``live`` is ``nexus_writer.open_live``, and holds every dataset against
what was published. Prints "ready", and at the end one JSON object: walks, the errors that ended one, those
of walks that came ``again`` through a handle, which knows the file as it was when it was opened.
"""

from __future__ import annotations

import json
import os
import random
import select
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np

assert "HDF5_USE_FILE_LOCKING" not in os.environ
STAYS_S = 0.3
MOST_POINTS = 100_000


def is_over(wait_s: float) -> bool:
    """Whether the input has ended; waits so long for it."""
    return bool(select.select([sys.stdin], [], [], wait_s)[0])


class Again(Exception):
    """An error in the second walk through one handle."""


def walk_plain(path: Path) -> None:
    """All that there is: names, attributes, values. Then the reader stays for a while, and looks again."""

    def visit(_: str, item: Any) -> None:
        dict(item.attrs)
        if isinstance(item, h5py.Dataset):
            item[()]

    with h5py.File(path) as file:
        for name in list(file):
            list(file[name])
        file.visititems(visit)
        time.sleep(random.uniform(0, STAYS_S))
        try:
            file.visititems(visit)
        except Exception as error:
            raise Again(error) from None


def walk_live(path: Path) -> None:
    """The same; every point that is there is the one that was published."""
    from nexus_writer import open_live
    from tests.faults.kept import expected

    def visit(_: str, item: Any) -> None:
        dict(item.attrs)

    with open_live(path) as file:
        file.visititems(visit)
        for entry in [name for name in file if "." in name]:
            wanted = expected(int(entry.partition(".")[0]), MOST_POINTS)
            for name in file.get(f"{entry}/measurement", {}):
                if name in wanted:
                    values = file[f"{entry}/measurement/{name}"][()]
                    assert np.array_equal(values, wanted[name][: len(values)]), (entry, name)
        time.sleep(random.uniform(0, STAYS_S))
        list(file)


def main() -> None:
    walk = {"plain": walk_plain, "live": walk_live}[sys.argv[1]]
    path = Path(sys.argv[2])
    if sys.argv[1] == "live":
        import tests.faults.kept  # noqa: F401 - it takes a while
    walks, errors, again = 0, [], []
    print("ready", flush=True)
    while not is_over(0.01):
        if not path.exists():
            continue
        walks += 1
        try:
            walk(path)
        except Again as error:
            again.append(str(error))
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
    print(json.dumps({"walks": walks, "errors": errors, "again": again}))


if __name__ == "__main__":
    main()
