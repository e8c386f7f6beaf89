"""What is told of a scan whose points come by streams."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nexus_writer.data.publishing import DeviceSpec, Position, ScanSpec, axis

from .stream_channels import StreamChannels

TIMER = "timer"
AXIS = "axis"


@dataclass(frozen=True, slots=True)
class StreamScan:
    """A scan before it starts. Each stream is a device of the name of the stream, but

    ``axes`` names streams whose channels are those of the master ``axis``: what a step scan moves, slowest
    last. A stream called ``timer`` holds the channels of the timer. ``channels`` tells more of channels, by
    stream and channel (see :class:`.StreamChannels`), ``devices`` metadata of devices. ``positions`` are the
    motors at the start; those that ``axes`` move end where their last point is. The others are as in
    ``ScanSpec``.
    """

    type: str = "timescan"
    title: str = ""
    npoints: int = 0
    count_time_s: float | None = None
    save: bool = True
    axes: Sequence[str] = ()
    channels: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)
    categories: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    positions: Mapping[str, Position] = field(default_factory=dict)

    def device_of(self, stream: str) -> str:
        """Name of the device whose channels the stream holds."""
        return AXIS if stream in self.axes else stream

    def spec(self, streams: Sequence[StreamChannels], ends: Callable[[], Mapping[str, float]]) -> ScanSpec:
        """``ends`` tells, when the scan ends, where its motors are. ValueError for axes without streams."""

        def positions() -> dict[str, Position]:
            moved = ends()
            return {name: _moved(one, moved.get(name)) for name, one in self.positions.items()}

        return ScanSpec(
            self.type,
            self._chain(streams),
            self.title or self.type,
            self.npoints,
            self.count_time_s,
            self.save,
            fields=self.fields,
            categories=self.categories,
            positions=positions,
        )

    def _chain(self, streams: Sequence[StreamChannels]) -> tuple[DeviceSpec, ...]:
        own = {one.name: one.specs for one in streams}
        if unknown := [name for name in self.axes if name not in own]:
            there = ", ".join(own) or "none"
            raise ValueError(f"axes has {unknown[0]}, which is no stream: there is {there}")
        below = tuple(
            DeviceSpec(name, specs, metadata=self.devices.get(name, {}))
            for name, specs in own.items()
            if name != TIMER and name not in self.axes
        )
        timer = DeviceSpec(TIMER, own.get(TIMER, ()), below)
        motors = [spec for name in self.axes for spec in own[name]]
        return (axis(motors, timer) if motors else timer,)


def _moved(position: Position, user: float | None) -> Position:
    if user is None:
        return position
    dial = None if position.dial is None else position.dial + user - position.user
    return Position(user, dial, position.unit)
