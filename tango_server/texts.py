"""What the device says of its scans to people: lines of text, one per scan, with their names aligned.

They look as those of the classic writer, because operators and scripts know them. Programs read
``scans_description`` instead. Nothing here knows Tango; times are local, as a beamline's clocks on the wall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from nexus_writer.subscribers import ScanStatus

NOT_FINISHED = "not finished"
UNKNOWN = "NaN"


def names(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan``."""
    return [scan.name for scan in scans]


def uris(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan: ['/data/x.h5::/26.1']``."""
    return _lines(scans, lambda scan: repr(list(scan.progress.uris)))


def starts(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan: 2026-11-20 06:48:28``."""
    return _lines(scans, _start)


def ends(scans: Sequence[ScanStatus]) -> list[str]:
    """The same of the moment when the file was complete, or ``not finished``."""
    return _lines(scans, _end)


def durations(scans: Sequence[ScanStatus], now: float) -> list[str]:
    """``26_loopscan: 0:00:01.543486``; until ``now`` (epoch seconds) for a scan that is not finished."""
    return _lines(scans, lambda scan: _duration(scan, now))


def progress(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan: 28pts-28pts``: the fewest and the most points of any channel, for each subscan."""
    return _lines(scans, _points)


def states(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan: OFF Finished successfully``."""
    return _lines(scans, lambda scan: f"{scan.state} {scan.reason}")


def validations(scans: Sequence[ScanStatus]) -> list[str]:
    """``26_loopscan: valid, 8 warnings``; nothing behind the colon before that, and without a validation."""
    return _lines(scans, lambda scan: scan.validation)


def summaries(scans: Sequence[ScanStatus], now: float) -> list[str]:
    """Everything in one line per scan, with the delays of the writer behind the scan."""
    return _lines(scans, lambda scan: _summary(scan, now))


def size(number: float) -> str:
    """Bytes as people write them: ``672.0B``, ``1.5KB``."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(number) < 1024:
            return f"{number:.1f}{unit}"
        number /= 1024
    return f"{number:.1f}PB"


def _lines(scans: Sequence[ScanStatus], text: Callable[[ScanStatus], str]) -> list[str]:
    width = max((len(scan.name) for scan in scans), default=0)
    return [f"{scan.name:>{width}}: {text(scan)}" for scan in scans]


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
