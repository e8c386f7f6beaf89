"""What a writer says of itself: frozen values, safe to hand to any thread and to turn into JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class SubscanProgress:
    """Points saved of one top master's channels: the fewest and the most of any channel."""

    name: str
    min_points: int
    max_points: int
    expected_points: int
    """0 when the scan does not say."""


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far the writing of a scan is; replaced as a whole after every flush."""

    uris: tuple[str, ...] = ()
    subscans: tuple[SubscanProgress, ...] = ()
    points: int = 0
    """All points of all channels."""
    bytes: int = 0
    flushed_at: float | None = None
    """Epoch seconds of the last flush."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanStatus:
    """One scan: what a client needs to know. Times are epoch seconds; None when not known yet."""

    name: str
    key: str
    session: str
    state: str
    reason: str
    start_time: float | None
    """When the scan was started, as published."""
    writing_since: float
    """When the writer got to know of it."""
    end_time: float | None
    """When the file was complete."""
    scan_end_time: float | None
    """When the scan ended, as published."""
    lag_s: float
    """Age of the oldest data that were received and cannot be read in the file yet."""
    lag_entries: int
    """Entries that are published and not yet received, when last asked."""
    lag_fill: float
    """Of the channel with most of them: the part of what Redis keeps of it. At 1 points are lost."""
    queue_fill: float
    """0 (empty) to 1 (full: reading waits and Redis buffers)."""
    validation: str = ""
    """What the validation of its entries found, in one line; empty before that, and without one."""
    written_by: str = ""
    """Which writer of the session saves it: ``host (pid 123)``; empty as long as none does."""
    progress: ScanProgress = field(default_factory=ScanProgress)

    @property
    def duration_s(self) -> float | None:
        """From the start to the end of the scan as published."""
        if self.start_time is None or self.scan_end_time is None:
            return None
        return self.scan_end_time - self.start_time

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "duration_s": self.duration_s}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> ScanStatus:
        """From what ``to_dict`` made, through JSON. Raises KeyError, TypeError, ValueError."""
        progress = found["progress"]
        subscans = (SubscanProgress(**subscan) for subscan in progress["subscans"])
        values = {one.name: found[one.name] for one in fields(cls)}
        values["progress"] = ScanProgress(
            **{
                **progress,
                "uris": tuple(map(str, progress["uris"])),
                "subscans": tuple(subscans),
                "warnings": tuple(map(str, progress["warnings"])),
            }
        )
        return cls(**values)


@dataclass(frozen=True, slots=True)
class SessionStatistics:
    """All scans of a session that the writer knows, in numbers."""

    running: int
    finished: int
    failed: int
    points: int
    bytes: int
    points_per_s: float
    lag_s: float
    lag_entries: int
    lag_fill: float
    queue_fill: float
