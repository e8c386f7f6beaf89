"""Why a scan has no place in a file."""

from __future__ import annotations


class LayoutError(Exception):
    """A scan that cannot be laid out in a file."""


class NoFilename(LayoutError):
    """The scan is to be saved, and its info does not say where."""

    def __init__(self, scan: str) -> None:
        super().__init__(f"No filename specified for {scan}: check SCAN_SAVING of the session")
