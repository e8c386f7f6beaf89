"""The file that holds a scan's entries: its own, or one beside it when HDF5 makes nothing of that.

A damaged file is left as it is: what it holds may still be saved by hand. The scan is written, from the first
point that Redis has, into ``NAME_rebuilt.h5``, and so are later scans, until somebody moves the damaged file
away; then its name is free for a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from nexus_writer.hdf5 import FileDamaged, LiveFile, NotHdf5, OpenFiles, look_into

from .location import beside

MOST_FILES = 10
Answer = TypeVar("Answer")


def acquire_holder(
    files: OpenFiles, path: Path, root_attributes: Mapping[str, str]
) -> tuple[LiveFile, Path, str]:
    """The first of them that can be written, its path, and what is wrong with those before ("" if nothing).

    Raises what ``OpenFiles.acquire`` raises but for damage, and that when it has no end.
    """
    damage: list[str] = []
    problem: NotHdf5 | FileDamaged | None = None
    for holder in _holders(path):
        try:
            file = files.acquire(holder, root_attributes)
        except (NotHdf5, FileDamaged) as error:
            problem = error
            damage.append(str(error))
        else:
            return file, holder, f"{damage[0]}; the scan is saved in {holder}" if damage else ""
    assert problem is not None
    raise problem


def look_into_holder(files: OpenFiles, path: Path, look: Callable[[Any], Answer]) -> Answer | None:
    """What ``look`` says of the root of the first of them that can be read; None when that does not exist."""
    for holder in _holders(path):
        try:
            return look_into(files, holder, look)
        except FileDamaged:
            continue
    return None


def _holders(path: Path) -> Iterator[Path]:
    yield path
    for number in range(1, MOST_FILES):
        yield beside(path, number)
