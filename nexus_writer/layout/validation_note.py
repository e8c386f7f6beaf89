"""What a validator found, in the entry that it looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from nexus_writer.hdf5 import OpenFiles, has_item, write_text

NAME = "validation"


def keep_validation(
    files: OpenFiles, path: Path, entry: str, text: str, attributes: Mapping[str, object]
) -> bool:
    """Write the text into ``<entry>/writer``; False when there is no such place any more. Writer thread only.

    Raises Hdf5Error, FileLocked among it: then it may be tried again later.
    """
    if not path.exists():
        return False
    file = files.acquire(path, {})
    try:
        if not has_item(file.root, entry) or "writer" not in file.root[entry]:
            return False
        date = datetime.now().astimezone().isoformat()
        write_text(file.root[entry]["writer"], NAME, text, {**attributes, "date": date})
        file.flush()
    finally:
        files.release(file)
    return True
