"""Saves scans that a beamline publishes into Redis as NeXus/HDF5 files, while they run."""

__version__ = "0.1.0"
