"""Why a scan has no place in a file."""

from __future__ import annotations

import os

from nexus_writer.hdf5 import EntryExists, Hdf5Error


class LayoutError(Exception):
    """A scan that cannot be laid out in a file."""


class NoFilename(LayoutError):
    """The scan is to be saved, and its info does not say where."""

    def __init__(self, scan: str) -> None:
        super().__init__(f"No filename specified for {scan}: check SCAN_SAVING of the session")


class ScanSavedElsewhere(EntryExists):
    """The file has this very scan already, by another writer of the same session; it was left as it is."""

    def __init__(self, path: str | os.PathLike[str], name: str, writer: str) -> None:
        Hdf5Error.__init__(
            self,
            f"another writer ({writer}) has saved this scan: {os.fspath(path)} has {name} already, it was "
            "not touched: stop one of the two writers",
        )
        self.path = os.fspath(path)
        self.name = name
        self.writer = writer
