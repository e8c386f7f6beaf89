"""What the device says of its scans to people: lines of text, one per scan, with their names aligned.

They look as those of the classic writer, because operators and scripts know them. Programs read
``scans_description`` instead. Nothing here knows Tango; times are local, as a beamline's clocks on the wall.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from nexus_writer.subscribers import ScanStatus

NOT_FINISHED = "not finished"
UNKNOWN = "NaN"
DESCRIPTION = "scans_description"
Text = Callable[[ScanStatus, float], str]
"""What is said of a scan; the time (epoch seconds) ends what is not finished."""


def lines(names: Sequence[str], texts: Sequence[str]) -> list[str]:
    """``26_loopscan: 28pts-28pts``: a line for each scan."""
    width = max(map(len, names), default=0)
    return [f"{name:>{width}}: {text}" for name, text in zip(names, texts, strict=True)]


def size(number: float) -> str:
    """Bytes as people write them: ``672.0B``, ``1.5KB``."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(number) < 1024:
            return f"{number:.1f}{unit}"
        number /= 1024
    return f"{number:.1f}PB"


def _summary(scan: ScanStatus, now: float) -> str:
    return (
        f"{scan.state} {_points(scan)} {size(scan.progress.bytes)} "
        f"duration: {_duration(scan, now)} "
        f"start: {_start(scan)} (delay: {_interval(scan.start_time, scan.writing_since)}) "
        f"end: {_end(scan)} (delay: {_interval(scan.scan_end_time, scan.end_time)})"
    )


def _points(scan: ScanStatus) -> str:
    subscans = scan.progress.subscans
    counts = [f"{subscan.min_points}pts-{subscan.max_points}pts" for subscan in subscans]
    if len(counts) > 1:
        return " ".join(f"{subscan.name}:{count}" for subscan, count in zip(subscans, counts, strict=True))
    return counts[0] if counts else "0pts-0pts"


def _start(scan: ScanStatus) -> str:
    return _time(scan.writing_since if scan.start_time is None else scan.start_time)


def _end(scan: ScanStatus) -> str:
    return NOT_FINISHED if scan.end_time is None else _time(scan.end_time)


def _duration(scan: ScanStatus, now: float) -> str:
    start = scan.writing_since if scan.start_time is None else scan.start_time
    return _interval(start, now if scan.end_time is None else scan.end_time)


def _time(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s).strftime("%Y-%m-%d %H:%M:%S")


def _interval(start: float | None, end: float | None) -> str:
    if start is None or end is None:
        return UNKNOWN
    return str(timedelta(seconds=end - start)) if end >= start else f"-{timedelta(seconds=start - end)}"


TEXTS: Mapping[str, Text] = {
    "scan_uris": lambda scan, _: repr(list(scan.progress.uris)),
    "scan_start": lambda scan, _: _start(scan),
    "scan_end": lambda scan, _: _end(scan),
    "scan_duration": lambda scan, now: _duration(scan, now),
    "scan_progress": lambda scan, _: _points(scan),
    "scan_info": lambda scan, now: _summary(scan, now),
    "scan_states_info": lambda scan, _: f"{scan.state} {scan.reason}",
    "scan_validation": lambda scan, _: scan.validation,
    DESCRIPTION: lambda scan, _: json.dumps(scan.to_dict()),
}
"""By attribute."""
