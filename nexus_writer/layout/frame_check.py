"""Whether the frames that a scan refers to are there, when it has ended."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from nexus_writer.hdf5 import FramesUnreadable, look_at_frames
from nexus_writer.model import FrameRun

LOOK_S = 1.0
"""Files are opened for no longer; those that are left are only looked for."""
NAMED = 5
"""Files that a warning names."""


def what_is_wrong(
    runs: Sequence[FrameRun], frame_shape: tuple[int, ...] | None, directory: Path
) -> list[str]:
    """One line for files that are missing, and one for those whose frames cannot be read.

    ``frame_shape`` is None for files that are not to be opened. Files are named from ``directory``.
    """
    texts = []
    missing = missing_files(runs)
    if missing:
        files = len({run.file for run in runs})
        texts.append(f"{len(missing)} of {files} files are missing: {_listed(missing, directory)}")
    if frame_shape is not None:
        lacking = set(missing)
        wrong = damaged_files([run for run in runs if run.file not in lacking], frame_shape)
        if wrong:
            texts.append(f"frames could not be read at the end of the scan: {_listed(wrong, directory)}")
    return texts


def is_incomplete(runs: Sequence[FrameRun], rank: int | None) -> bool:
    """Whether files are missing, or the last one lacks frames; ``rank`` is None where none is opened."""
    if not runs or missing_files(runs):
        return bool(runs)
    if rank is None:
        return False
    last = runs[-1]
    try:
        look_at_frames(last.file, last.dataset, rank, last.first, last.count)
    except FramesUnreadable:
        return True
    return False


def missing_files(runs: Sequence[FrameRun]) -> list[str]:
    """The files that do not exist, in order; each directory is listed once."""
    found: dict[str, set[str]] = {}
    missing = []
    for file in dict.fromkeys(run.file for run in runs):
        directory, _, name = file.rpartition("/")
        if directory not in found:
            found[directory] = _names_in(directory)
        if name not in found[directory]:
            missing.append(file)
    return missing


def damaged_files(runs: Sequence[FrameRun], frame_shape: tuple[int, ...]) -> list[str]:
    """What is wrong with HDF5 files that exist: frames that they lack, or frames of another shape.

    One that its camera still keeps may look so. The first and the last file come first, and no file later
    than after ``LOOK_S``.
    """
    deadline_s = time.monotonic() + LOOK_S
    wrong = []
    for run in (*runs[:1], *runs[:0:-1]):
        try:
            frames = look_at_frames(run.file, run.dataset, len(frame_shape), run.first, run.count)
        except FramesUnreadable as error:
            wrong.append(str(error))
        else:
            if frames.shape != frame_shape:
                wrong.append(f"{run.file} (frames of {frames.shape} instead of {frame_shape})")
        if time.monotonic() > deadline_s:
            break
    return wrong


def _listed(items: Sequence[str], directory: Path) -> str:
    """The first of ``items``, files named from ``directory``, and how many more there are."""
    shown = [_short(item, directory) for item in items[:NAMED]]
    more = f" and {len(items) - NAMED} more" if len(items) > NAMED else ""
    return f"{', '.join(shown)}{more}"


def _short(item: str, directory: Path) -> str:
    return item.removeprefix(f"{directory}/")


def _names_in(directory: str) -> set[str]:
    try:
        with os.scandir(directory) as items:
            return {item.name for item in items}
    except OSError:
        return set()
