"""How far a scan is saved, as its file has it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from nexus_writer.layout import ScanFile
from nexus_writer.model import Scan

from .status import ScanProgress, SubscanProgress


def progress_of(scan: Scan | None, file: ScanFile) -> ScanProgress:
    """As of now; ``scan`` is the one that the file was made for."""
    assert scan is not None
    return ScanProgress(
        uris=tuple(file.uris),
        subscans=_subscan_progress(scan, file.points),
        points=sum(file.points.values()),
        bytes=file.bytes_written,
        flushed_at=time.time(),
        warnings=tuple(file.warnings),
    )


def _subscan_progress(scan: Scan, points: Mapping[str, int]) -> tuple[SubscanProgress, ...]:
    progress = []
    for subscan in scan.subscans:
        below = f"{scan.key}:{subscan.name}:"
        counts = [count for key, count in points.items() if key.startswith(below)] or [0]
        progress.append(SubscanProgress(subscan.name, min(counts), max(counts), scan.npoints))
    return tuple(progress)
