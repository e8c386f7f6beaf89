"""Whole files, as nexusformat's own commands judge them: without what the project does for its users."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from nexus_writer.subscribers.nexus_rules import logged_by_nexusformat

_ENTRY_NAME = re.compile(r'^"\d+(\.\d+)?" is an invalid name$')


def errors_in(path: Path, *, strict_names: bool = False) -> list[str]:
    """Of a copy of the file, "path: what"; names of entries like ``1.1`` only with ``strict_names``."""
    from nexusformat.nexus.validate import validate_file

    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(path, directory)
        found = list(logged_by_nexusformat(lambda: validate_file(copy)))
    return [
        f"{place}: {text}"
        for level, place, text in found
        if level == "error" and (strict_names or not _ENTRY_NAME.match(text))
    ]
