"""What the writer says of its own work, in each entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Any

import numpy as np

import nexus_writer
from nexus_writer.hdf5 import GrowingDataset, create_group, write_text
from nexus_writer.model import Block

PROGRAM = "nexus-writer"


class Status(Enum):
    """Of the writing, not of the scan: a scan that failed is SUCCEEDED when all its points are saved."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class WriterNote:
    """The NXnote ``writer``: status, date of its last change, program, and warnings if there are any."""

    def __init__(self, entry: Any) -> None:
        self._group = create_group(entry, "writer", "NXnote")
        self._warnings: GrowingDataset | None = None
        write_text(self._group, "program", PROGRAM, {"version": nexus_writer.__version__})
        self.set_status(Status.STARTING)

    def set_status(self, status: Status) -> None:
        write_text(self._group, "status", status.value)
        write_text(self._group, "date", datetime.now().astimezone().isoformat())

    def keep_warnings(self, warnings: Sequence[str]) -> None:
        """``warnings`` are all so far; those that the note lacks are added."""
        if not warnings:
            return
        if self._warnings is None:
            self._warnings = GrowingDataset(self._group, "warnings", np.dtype(object), ())
        self._warnings.append([Block("", 0, np.array(warnings, dtype=object))])
