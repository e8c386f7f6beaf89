"""A look into a file, whether this process writes it or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ._guard import guarded
from ._library import h5py
from .answering import wait_for_disk
from .causes import cause_text
from .errors import FileDamaged
from .open_files import OpenFiles

Answer = TypeVar("Answer")


@guarded
def look_into(files: OpenFiles, path: Path, look: Callable[[Any], Answer]) -> Answer | None:
    """What ``look`` says of the root of the file at ``path``; None where there is none. No lock is taken.

    Raises FileDamaged when the file cannot be opened, or not be read.
    """
    root = files.root_of(path)
    try:
        if root is None and not path.exists():
            return None
        wait_for_disk(path)
        if root is not None:
            return look(root)
        with h5py.File(path, "r", locking=False) as file:
            return look(file["/"])
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        why = cause_text(error)
    raise FileDamaged(path, why)
