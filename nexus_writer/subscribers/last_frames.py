"""The frames that a camera writes a moment after the end of the scan they belong to."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from nexus_writer.concurrency import Event
from nexus_writer.hdf5 import Hdf5Error

from .scan_consumer import ScanConsumer

LOOK_FOR_FRAMES_S = 0.05
"""Seconds between two looks for frames of cameras when the scan has ended."""


def wait_for_frames(consumer: ScanConsumer, check: Callable[[], None], interrupt: Event) -> None:
    """Return when all have come, when none came for as long as they may take, or at the ``interrupt``.

    ``check`` raises when the file is not this scan's to write any more.
    """
    since_s, before = time.monotonic(), -1
    with contextlib.suppress(Hdf5Error):  # the end of the file meets it again
        while True:
            check()
            patience_s, frames = consumer.follow_cameras()
            if frames != before:
                since_s, before = time.monotonic(), frames
            if time.monotonic() - since_s >= patience_s or interrupt.wait(LOOK_FOR_FRAMES_S):
                return
