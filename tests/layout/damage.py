"""Damage to one object of a file that nobody has open."""

from __future__ import annotations

from pathlib import Path

import h5py


def damage(path: Path, *items: str) -> None:
    """Make the headers of items unreadable: what a flush leaves that was cut in two."""
    with h5py.File(path) as file:
        addresses = [h5py.h5o.get_info(file[item].id).addr for item in items]
    with path.open("r+b") as raw:
        for address in addresses:
            raw.seek(address)
            raw.write(bytes(8))
