"""What the writer says of its own work, in each entry."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import nexus_writer
from nexus_writer.hdf5 import ChangingText, GrowingDataset, create_group, write_text
from nexus_writer.model import Block, Scan, Subscan

from .channel_data import ChannelData
from .manifest import write_manifest
from .points_report import PointsReport, Reported

PROGRAM = "nexus-writer"
UNFINISHED = "writer/unfinished"
"""In an entry whose status is final: why the writing ended before the scan did. It may be resumed."""


class Status(Enum):
    """Of the writing, not of the scan: a scan that failed is SUCCEEDED when all its points are saved."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def is_final(self) -> bool:
        """Nothing more is written."""
        return self in (Status.SUCCEEDED, Status.FAILED)


class WriterNote:
    """The NXnote ``writer``: how the writing goes, who does it, of which scan, and what is in the file.

    Warnings stand there if there are any, and the points of each channel in a group of their own.
    """

    def __init__(self, entry: Any, scan: Scan, subscan: Subscan) -> None:
        self._group = create_group(entry, "writer", "NXnote")
        self._warnings: GrowingDataset | None = None
        self._scan = scan
        write_text(self._group, "program", PROGRAM, {"version": nexus_writer.__version__})
        texts = {"author": _user(), "host": socket.gethostname(), "session": scan.session, "scan": scan.key}
        for name, text in texts.items():
            write_text(self._group, name, text)
        now = _now()
        write_text(self._group, "start_time", now)
        self._status = ChangingText(self._group, "status", Status.STARTING.value)
        self._date = ChangingText(self._group, "date", now)
        self._points = PointsReport(self._group, scan.npoints, len(list(subscan.channels)))

    def set_status(self, status: Status) -> None:
        """``date`` is that of the last change."""
        now = _now()
        self._status.write(status.value)
        self._date.write(now)
        if status.is_final:
            write_text(self._group, "end_time", now)

    def set_unfinished(self, why: str) -> None:
        """The writing ends before the scan does, and may go on later."""
        write_text(self._group, UNFINISHED.partition("/")[2], why)

    def set_resumed(self) -> None:
        """An earlier writing did not come to its end; this one goes on with it from now on."""
        write_text(self._group, "resumed", _now())

    def keep_warnings(self, warnings: Sequence[str]) -> None:
        """``warnings`` are all so far; those that the note lacks are added."""
        if not warnings:
            return
        if self._warnings is None:
            self._warnings = GrowingDataset(self._group, "warnings", np.dtype(object), ())
        self._warnings.append([Block("", 0, np.array(warnings, dtype=object))])

    def stage(self, channels: Collection[Reported]) -> None:
        """Points are about to be flushed."""
        self._points.stage(channels)

    def commit(self, channels: Collection[Reported]) -> bool:
        """Points have been flushed: count them. Whether there is something to flush now."""
        return self._points.commit(channels)

    def finish(self, channels: Collection[Reported], scan: Scan) -> None:
        """No more points will come."""
        self._points.finish(channels, scan.npoints)

    def keep_manifest(self, channels: Collection[ChannelData], directory: Path) -> None:
        """What their datasets hold now, for good; ``directory`` is that of the file. Raises FileBroken."""
        write_manifest(self._group, channels, directory)


def writer_of(entry: Any, scan: Scan) -> str | None:
    """Who saved this very scan in ``entry``: ``program, author@host``; None where it is another scan.

    Sessions may count from 1 again, so the key of a scan is not enough: the start has to be the same, too.
    """
    start = scan.start.isoformat() if scan.start else None
    if _text(entry, "writer/scan") != scan.key or start not in (None, _text(entry, "start_time")):
        return None
    program, author, host = (_text(entry, f"writer/{name}") for name in ("program", "author", "host"))
    return f"{program}, {author}@{host}"


def _text(entry: Any, path: str) -> str:
    """A question mark where there is none."""
    try:
        return str(entry[path].asstr()[()])
    except (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError):
        return "?"


def _now() -> str:
    return datetime.now().astimezone().isoformat()


@cache
def _user() -> str:
    """Who runs this process; a container may know no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
