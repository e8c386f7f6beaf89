"""Frames by name."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from nexus_writer.model import FrameRun


def frame_uris(runs: Iterable[FrameRun], directory: Path) -> list[str]:
    """One text a frame: ``<file>::<path in the file>::<index>`` for HDF5, ``<file>::<index>`` for others.

    The file is named from ``directory``, the one of the file that holds the texts.
    """
    uris = []
    for run in runs:
        file = os.path.relpath(run.file, directory)
        start = f"{file}::{run.dataset}" if run.dataset else file
        uris += [f"{start}::{run.first + index}" for index in range(run.count)]
    return uris
