"""What HDF5 keeps in memory of the metadata of a file that is open."""

from __future__ import annotations

from typing import Any

from ._library import h5py

NBYTES = 16 * 2**20
"""Room for what a scan of 1,000 detectors creates between two flushes. With HDF5's own 2 MiB, what does not
fit is written in no good order, and slowly (a detector 400 us instead of 80)."""

MOST_KEPT_NBYTES, LEAST_KEPT_NBYTES = 2 * 2**20, 2**20
"""Of entries that are complete. They take 14 times that: 4 kB for an object of 300 bytes."""


def make_room(access: Any) -> None:
    """In the file access properties ``access``."""
    config = access.get_mdc_config()
    _resize(config, NBYTES)
    access.set_mdc_config(config)


def forget_old(file: Any) -> None:
    """Where much is kept, forget what was not used for the longest time. ``file`` is a FileID."""
    if file.get_mdc_size()[2] <= MOST_KEPT_NBYTES:
        return
    config = file.get_mdc_config()
    _resize(config, LEAST_KEPT_NBYTES)
    file.set_mdc_config(config)
    h5py.h5g.create(file, None)  # HDF5 looks for room when something new comes; nobody sees this group
    _resize(config, NBYTES)
    file.set_mdc_config(config)


def _resize(config: Any, nbytes: int) -> None:
    config.set_initial_size = True
    config.initial_size = config.min_size = nbytes
