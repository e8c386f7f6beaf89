"""The file and the entries of a scan."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

from .entry_names import DEFAULT_ENTRY_NAME, entry_names
from .scan import Scan

SEPARATE_FILE_STEM = "bliss_master"


def data_file(scan: Scan) -> Path | None:
    """The file that holds the scan's entries; None where its info names none.

    With a file per scan it lies where the images do: in the directories of ``images_path`` below that of
    ``filename``, up to the first component that holds a placeholder.
    """
    if not scan.filename:
        return None
    filename = Path(scan.filename)
    if not (scan.storage.separate_scan_files and scan.images_path):
        return filename
    relative = PurePath(os.path.relpath(scan.images_path, filename.parent))
    directory = filename.parent
    for part in relative.parts:
        if "{" in part:
            break
        directory /= part
    return Path(os.path.normpath(directory / f"{SEPARATE_FILE_STEM}{filename.suffix}"))


def data_directory(scan: Scan) -> Path:
    """Where relative names in the scan's file start."""
    return (data_file(scan) or Path()).parent


def entry_uris(scan: Scan, template: str = DEFAULT_ENTRY_NAME, path: Path | None = None) -> list[str]:
    """``file::/N.i`` of each subscan, in ``path`` or else in the scan's own file; none without a file."""
    path = path or data_file(scan)
    if path is None:
        return []
    return [f"{path}::/{name}" for name in entry_names(scan, template)]
