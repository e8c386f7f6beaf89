"""Waiting for a disk without HDF5.

h5py opens a file with Python's lock held (measured: a disk that hangs for 2 s stops every thread for 2 s),
while it gives the lock away to write, flush, close and read points. So whoever opens a file looks at it in
another way first, which stops nobody else.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def wait_for_disk(path: str | os.PathLike[str]) -> None:
    """Return when something is known of ``path``, be it that it cannot be read."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        file.read(1)
