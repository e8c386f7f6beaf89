"""What a scan measures, declared: devices that trigger devices, each with its channels.

The order of the chain is the order of everything that follows from it: subscans (one per top master), nodes,
events, and the lists in the scan info.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_KIND_OF_DIMENSIONS = ("scalars", "spectra", "images")


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel of a device.

    ``dtype`` is published as it is given: a Python or numpy class, a dtype, or a text like ">i4" or "U10".
    ``shape`` is that of one point; a dimension of 0 or -1 has no known length. ``counter`` is what the
    session knows of the counter behind it (see ``sampling`` and ``mca``), ``display`` what a plot needs to
    know of it (start, stop, points, axis-id ...). ``fullname`` is "device:name" unless it is given;
    ``node_type`` another one for points that are nodes.
    """

    name: str
    dtype: Any = float
    shape: tuple[int, ...] = ()
    unit: str | None = None
    counter: Mapping[str, Any] | None = None
    display: Mapping[str, Any] = field(default_factory=dict)
    fullname: str | None = None
    node_type: str = "channel"


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """A device, and the devices that it triggers: a master when there are any, or when it is a top master."""

    name: str
    channels: tuple[ChannelSpec, ...] = ()
    triggers: tuple[DeviceSpec, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """A device in a chain. ``path`` holds the names from the top master down to the device itself."""

    spec: DeviceSpec
    path: tuple[str, ...]
    device_id: str
    triggered: tuple[str, ...]

    @property
    def is_master(self) -> bool:
        return len(self.path) == 1 or bool(self.spec.triggers)

    def fullname(self, channel: ChannelSpec) -> str:
        return channel.fullname or f"{self.spec.name}:{channel.name}"


def sampling(name: str, unit: str | None = None, *, mode: str = "MEAN", **channel: Any) -> ChannelSpec:
    """The channel of a sampling counter; ``mode`` is BLISS's: MEAN, LAST, SINGLE, INTEGRATE, STATS ..."""
    device = {"device_info": {"type": "samplingcounter", "mode": mode}, "device_type": "samplingcounter"}
    return ChannelSpec(name, unit=unit, counter={**device, "data_type": "signal"}, **channel)


def integrating(name: str, unit: str | None = None, **channel: Any) -> ChannelSpec:
    """The channel of an integrating counter, of which the session tells nothing."""
    return ChannelSpec(name, unit=unit, counter={}, **channel)


def mca(name: str, dtype: Any = np.uint32, **channel: Any) -> ChannelSpec:
    """A channel of a multi-channel analyser: a spectrum, a region of it, or a statistic."""
    return ChannelSpec(name, dtype, counter={"device_info": {"type": "mca"}, "device_type": "mca"}, **channel)


def timer(*triggers: DeviceSpec, name: str = "timer") -> DeviceSpec:
    """The master that paces most scans; its channels are elapsed_time and epoch, in s."""
    channels = (ChannelSpec("elapsed_time", np.float64, unit="s"), ChannelSpec("epoch", unit="s"))
    return DeviceSpec(name, channels, triggers)


def axis(motors: Sequence[ChannelSpec], *triggers: DeviceSpec) -> DeviceSpec:
    """The master of a step scan; its channels are positions of motors."""
    return DeviceSpec("axis", tuple(motors), triggers)


def placed(masters: Sequence[DeviceSpec]) -> tuple[PlacedDevice, ...]:
    """All devices of a chain: a device comes before those that it triggers."""
    numbers = iter(range(140_000_000_000_000, 150_000_000_000_000, 0x30))

    def place(spec: DeviceSpec, above: tuple[str, ...]) -> Iterator[PlacedDevice]:
        path = (*above, spec.name)
        device_id = f"{next(numbers)}:{spec.name}"
        below = [list(place(one, path)) for one in spec.triggers]
        yield PlacedDevice(spec, path, device_id, tuple(devices[0].device_id for devices in below))
        for devices in below:
            yield from devices

    return tuple(device for master in masters for device in place(master, ()))


def chain_info(devices: Sequence[PlacedDevice]) -> dict[str, Any]:
    """The fields acquisition_chain, devices and channels of a scan info."""
    chain: dict[str, Any] = {}
    listed: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    for device in devices:
        names = [device.fullname(channel) for channel in device.spec.channels]
        if device.is_master:
            listed[device.device_id] = {"triggered_devices": list(device.triggered), "channels": names}
        else:
            listed[device.device_id] = {"channels": names, "metadata": dict(device.spec.metadata)}
        if len(device.path) == 1:
            entry = chain[device.path[0]] = {"master": _lists(), **_lists(), "devices": []}
            target = entry["master"]
        else:
            entry = target = chain[device.path[0]]
        entry["devices"].append(device.device_id)
        for channel, fullname in zip(device.spec.channels, names, strict=True):
            target[_KIND_OF_DIMENSIONS[min(len(channel.shape), 2)]].append(fullname)
            channels[fullname] = _channel_info(channel, device.device_id)
    return {"acquisition_chain": chain, "devices": listed, "channels": channels}


def counters_info(devices: Sequence[PlacedDevice]) -> dict[str, Any]:
    """What the session knows of the counters behind the channels, by full name."""
    return {
        device.fullname(channel): dict(channel.counter)
        for device in devices
        for channel in device.spec.channels
        if channel.counter is not None
    }


def _lists() -> dict[str, Any]:
    return {kind: [] for kind in _KIND_OF_DIMENSIONS}


def _channel_info(channel: ChannelSpec, device_id: str) -> dict[str, Any]:
    info: dict[str, Any] = {**channel.display, "device": device_id}
    if channel.unit is not None:
        info["unit"] = channel.unit
    return {**info, "display_name": channel.name, "dim": len(channel.shape)}
