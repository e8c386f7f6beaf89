"""Saves scans that a beamline publishes into Redis as NeXus/HDF5 files, while they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nexus_writer.hdf5.reading import open_live

__version__ = "0.1.0"
__all__ = ["open_live"]


def __getattr__(name: str) -> Any:
    if name == "open_live":
        from nexus_writer.hdf5.reading import open_live

        return open_live
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
