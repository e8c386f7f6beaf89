"""The attributes of the device: numbers for programs, and the texts of the classic device for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from tango import AttrQuality, AttrWriteType, DevState
from tango.server import attribute

from nexus_writer.subscribers import ScanStatus, SessionStatistics, WriterOptions

from . import log_levels
from .broadcast import Reading
from .log_levels import LogLevel
from .profiling import ResourceProfiling, ScanProfiling
from .served_session import ServedSession
from .states import scan_state
from .texts import DESCRIPTION, TEXTS, lines

MOST_SCANS = 10_000
"""Elements of a spectrum; of more scans the latest are shown."""

LINES = tuple(name for name in TEXTS if name != DESCRIPTION)
"""Attributes that have a line of text for each scan."""


class Snapshot:
    """What there is to say of the scans at one moment; found out when it is asked for, once."""

    def __init__(self, served: ServedSession) -> None:
        self.version = served.version()
        self._served = served
        self._now = time.time()
        self._readings: dict[str, Reading] = {}

    def reading(self, name: str) -> Reading:
        """Of an attribute that follows the scans."""
        if name not in self._readings:
            self._readings[name] = Reading(READINGS[name](self))
        return self._readings[name]

    def later(self) -> Snapshot:
        """As of now, with the lines of this one where no scan has changed."""
        now = Snapshot(self._served)
        if now.version is not None and now.version == self.version:
            now._readings = {name: self._readings[name] for name in OF_EACH_SCAN if name in self._readings}
        return now

    @cached_property
    def scans(self) -> Sequence[ScanStatus]:
        """Each scan."""
        return self._served.statuses()[-MOST_SCANS:]

    @cached_property
    def names(self) -> list[str]:
        """``26_loopscan``, of each scan."""
        return [scan.name for scan in self.scans]

    def lines(self, name: str) -> list[str]:
        """Of an attribute that has a line for each scan."""
        return lines(self.names, self._served.texts.of(name, self.scans, self._now))

    def description(self) -> str:
        """Each scan as JSON, a list of them."""
        return "[" + ", ".join(self._served.texts.of(DESCRIPTION, self.scans, self._now)) + "]"

    @cached_property
    def statistics(self) -> SessionStatistics:
        """All in numbers."""
        return self._served.statistics()


READINGS: Mapping[str, Callable[[Snapshot], Any]] = {
    "scan_states": lambda s: [scan_state(scan.state) for scan in s.scans],
    "scan_names": lambda s: s.names,
    **{name: partial(Snapshot.lines, name=name) for name in LINES},
    DESCRIPTION: Snapshot.description,
    "scans_running": lambda s: s.statistics.running,
    "scans_finished": lambda s: s.statistics.finished,
    "scans_failed": lambda s: s.statistics.failed,
    "points_written": lambda s: s.statistics.points,
    "bytes_written": lambda s: s.statistics.bytes,
    "points_per_second": lambda s: round(s.statistics.points_per_s, 1),
    "lag_seconds": lambda s: round(s.statistics.lag_s, 3),
    "lag_entries": lambda s: s.statistics.lag_entries,
    "lag_fill": lambda s: round(s.statistics.lag_fill, 3),
    "queue_fill": lambda s: round(s.statistics.queue_fill, 3),
}
"""Every attribute that follows the scans."""
OF_EACH_SCAN = ("scan_states", "scan_names", *LINES, DESCRIPTION)
"""Those of them that tell of each scan."""


def disk_space_reading(free_mb: float | None, options: WriterOptions) -> Reading:
    """Its alarm levels are properties of the device, so its quality is found here."""
    if free_mb is None:
        return Reading(0.0, AttrQuality.ATTR_INVALID)
    quality = AttrQuality.ATTR_VALID
    if free_mb < options.required_disk_space:
        quality = AttrQuality.ATTR_ALARM
    elif free_mb < options.recommended_disk_space:
        quality = AttrQuality.ATTR_WARNING
    return Reading(round(free_mb, 1), quality)


def _reader(name: str) -> Callable[[ScanAttributes], Any]:
    """What PyTango calls to read an attribute: it wants a function for each."""

    def read(device: ScanAttributes) -> Any:
        return READINGS[name](Snapshot(device.served))

    return read


def _spectrum(name: str, dtype: Any, doc: str) -> attribute:
    return attribute(dtype=(dtype,), max_dim_x=MOST_SCANS, fget=_reader(name), doc=doc)


def _scalar(name: str, dtype: Any, doc: str, **options: Any) -> attribute:
    return attribute(dtype=dtype, fget=_reader(name), doc=doc, **options)


class ScanAttributes:
    """What the device says of its scans; a device class sets ``served`` and ``options``."""

    scan_states = _spectrum(
        "scan_states", DevState, "INIT, ON (being saved), OFF (saved) or FAULT, one for each scan."
    )
    scan_names = _spectrum(
        "scan_names", str, "Name of each scan, like 26_loopscan, in the order of their start."
    )
    scan_uris = _spectrum("scan_uris", str, "Where each scan is saved: name: ['file::/N.1', ...]")
    scan_start = _spectrum("scan_start", str, "When each scan started, local time.")
    scan_end = _spectrum(
        "scan_end", str, "When the file of each scan was complete, local time, or 'not finished'."
    )
    scan_duration = _spectrum("scan_duration", str, "How long each scan took, or takes so far.")
    scan_progress = _spectrum(
        "scan_progress", str, "Fewest and most points saved of any channel, for each scan."
    )
    scan_info = _spectrum(
        "scan_info", str, "State, points, bytes, duration, start and end of each scan in one line."
    )
    scan_states_info = _spectrum("scan_states_info", str, "State of each scan, and why.")
    scan_validation = _spectrum(
        "scan_validation", str, "What the validation of each scan found, where the property is on."
    )
    scans_description = _scalar(
        "scans_description", str, "All scans as JSON: a list of what scan_description gives of one."
    )

    scans_running = _scalar("scans_running", int, "Scans that are being saved.", unit="scans")
    scans_finished = _scalar(
        "scans_finished", int, "Scans that were saved since the device came up.", unit="scans"
    )
    scans_failed = _scalar(
        "scans_failed", int, "Scans that could not be saved since the device came up.", unit="scans"
    )
    points_written = _scalar(
        "points_written", int, "Points of all channels that can be read in files.", unit="points"
    )
    bytes_written = _scalar("bytes_written", int, "Bytes of these points.", unit="bytes", display_unit="B")
    points_per_second = _scalar(
        "points_per_second",
        float,
        "Points written per second, over the last second or two.",
        unit="points/s",
        format="%.1f",
    )
    lag_seconds = _scalar(
        "lag_seconds",
        float,
        "Age of the oldest data that were received and cannot be read in a file yet, of any scan. "
        "Redis drops what is too old: 2 s of single points at 1 kHz.",
        unit="s",
        format="%.3f",
        min_value=0,
        max_warning=2,
        max_alarm=10,
    )
    lag_entries = _scalar(
        "lag_entries",
        int,
        "Entries that are published in Redis and not received yet, of all channels of all running scans. "
        "Redis keeps about 2048 of each channel.",
        unit="entries",
        min_value=0,
    )
    lag_fill = _scalar(
        "lag_fill",
        float,
        "0 to 1: of the channel with most entries that were not received, the part of what Redis keeps of "
        "it. At 1 points are lost.",
        format="%.2f",
        min_value=0,
        max_value=1,
        max_warning=0.25,
        max_alarm=0.5,
    )
    queue_fill = _scalar(
        "queue_fill",
        float,
        "0 (empty) to 1 (full) of the fullest queue of a running scan. When it is full, reading waits and "
        "Redis buffers.",
        format="%.2f",
        min_value=0,
        max_value=1,
        max_warning=0.75,
        max_alarm=1,
    )
    free_disk_space = attribute(
        dtype=float,
        doc="Where the latest scan is written. Warning below the property recommended_disk_space, alarm "
        "below required_disk_space; invalid before the first scan.",
        unit="MB",
        format="%.1f",
        min_value=0,
    )

    served: ServedSession
    options: WriterOptions
    _told: Snapshot | None = None

    def read_free_disk_space(self) -> tuple[Any, float, AttrQuality]:
        return self.disk_space().stamped()

    def disk_space(self) -> Reading:
        """The free space where the latest scan is written."""
        return disk_space_reading(self.served.free_disk_space_mb(), self.options)

    def readings(self) -> dict[str, Callable[[], Reading]]:
        """All of them as they are now, for events: each is found out when it is asked for."""
        self._told = self._told.later() if self._told else Snapshot(self.served)
        readings = {name: partial(self._told.reading, name) for name in READINGS}
        return readings | {"free_disk_space": self.disk_space}


class LevelAttributes:
    """What a client can set while the device runs."""

    profiling: ScanProfiling

    resource_profiling = attribute(
        dtype=ResourceProfiling,
        access=AttrWriteType.READ_WRITE,
        doc="What scans cost (processor, time or memory), reported in the log when no scan runs any more, "
        "for scans that start after this was set. The number is the lines of the report.",
    )
    writer_log_level = attribute(
        dtype=LogLevel,
        access=AttrWriteType.READ_WRITE,
        doc="Of the writer's own messages, in all its devices.",
    )
    tango_log_level = attribute(
        dtype=LogLevel, access=AttrWriteType.READ_WRITE, doc="Of Tango's messages; NOTSET is silence."
    )

    def read_resource_profiling(self) -> ResourceProfiling:
        return self.profiling.wanted

    def write_resource_profiling(self, value: int) -> None:
        self.profiling.wanted = ResourceProfiling(value)

    def read_writer_log_level(self) -> LogLevel:
        return log_levels.writer_level()

    def write_writer_log_level(self, value: int) -> None:
        log_levels.set_writer_level(LogLevel(value))

    def read_tango_log_level(self) -> LogLevel:
        return log_levels.tango_level(self)

    def write_tango_log_level(self, value: int) -> None:
        log_levels.set_tango_level(self, LogLevel(value))
