"""What a session tells the writer of each of its counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Fields


@dataclass(frozen=True, slots=True)
class Counter:
    """The kind of device behind a channel.

    ``device_type`` ("samplingcounter", "mca", "lima" ...) is empty where the session says nothing;
    ``data_type`` is "signal" for the main channel of a sampling counter; ``device_info`` is metadata for
    the group of the device.
    """

    device_type: str = ""
    data_type: str = ""
    device_info: Mapping[str, Any] = field(default_factory=dict)


UNKNOWN_COUNTER = Counter()


def read_counters(writer: Fields) -> dict[str, Counter]:
    """By full channel name, from the ``nexuswriter`` category: every counter of the session."""
    devices = writer.fields("devices")
    counters = {}
    for name in devices.values:
        fields = devices.fields(name)
        if fields.values:
            counters[name] = Counter(
                fields.text("device_type"), fields.text("data_type"), fields.mapping("device_info")
            )
    return counters
