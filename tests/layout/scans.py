"""Scans for tests, small enough to see through."""

from __future__ import annotations

from typing import Any

import numpy as np

from nexus_writer.model import Block, ChannelDescription, Scan

SAMPLING = {"device_type": "samplingcounter"}
SIGNAL = {"device_type": "samplingcounter", "data_type": "signal"}


def scan_info(
    masters: dict[str, dict[str, list[str]]],
    *,
    dims: dict[str, int] | None = None,
    counters: dict[str, dict[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """An info with one subscan per master: ``{master: {device: [channel, ...]}}``.

    The first device of a master triggers the others, when there are any.
    """
    info: dict[str, Any] = {
        "title": "a title",
        "scan_nb": 1,
        "npoints": 3,
        "save": True,
        "data_writer": "nexus",
        "start_timestamp": 1_800_000_000.25,
        "acquisition_chain": {},
        "devices": {},
        "channels": {},
        "nexuswriter": {"devices": counters or {}},
        **fields,
    }
    for master, devices in masters.items():
        ids = [f"{master}.{name}:{name}" for name in devices]
        info["acquisition_chain"][master] = {"devices": ids}
        for number, (id, channels) in enumerate(zip(ids, devices.values(), strict=True)):
            info["devices"][id] = {"channels": channels, "metadata": {}}
            if number == 0 and len(ids) > 1:
                info["devices"][id]["triggered_devices"] = ids[1:]
            for channel in channels:
                info["channels"][channel] = {"device": id, "dim": (dims or {}).get(channel, 0)}
    return info


def scan_of(masters: dict[str, dict[str, list[str]]], **fields: Any) -> Scan:
    return Scan.from_info(scan_info(masters, **fields), "session:1_scan")


def channel(
    scan: Scan, name: str, dtype: Any = float, shape: tuple[int, ...] = (), unit: str | None = None
) -> ChannelDescription:
    """The description of a channel of the scan's first subscan, or of the one that its name begins with."""
    masters = {subscan.name: subscan.name for subscan in scan.subscans}
    master = masters.get(name.partition(":")[0], scan.subscans[0].name)
    key = f"{scan.key}:{master}:{name}"
    return ChannelDescription(key, name, np.dtype(dtype), shape, unit)


def points(description: ChannelDescription, *values: Any, start: int = 0) -> dict[str, list[Block]]:
    """One block of points, as ``ScanFile.append`` takes it."""
    dtype = object if description.dtype == object else None
    return {description.key: [Block(description.key, start, np.array(values, dtype=dtype))]}
