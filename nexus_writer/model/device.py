"""A device of the acquisition chain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .channel import Channel
from .fields import Fields


@dataclass(frozen=True, slots=True)
class Device:
    """``id`` is "<number>:<name>", unique in the scan; names are not.

    ``triggered`` holds the ids of the devices that this one triggers.
    """

    id: str
    channels: tuple[Channel, ...] = ()
    triggered: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.id.partition(":")[2] or self.id

    @property
    def triggers(self) -> bool:
        return bool(self.triggered)


def read_device(id: str, devices: Fields, channels: Fields) -> Device:
    """The device ``id`` with its channels, from the devices and channels of a scan info."""
    device = devices.fields(id, needed=True)
    return Device(
        id,
        tuple(_read_channel(name, id, channels) for name in device.texts("channels")),
        device.texts("triggered_devices"),
        device.mapping("metadata"),
    )


def _read_channel(name: str, device: str, channels: Fields) -> Channel:
    fields = channels.fields(name, needed=True)
    return Channel(name, fields.integer("dim"), fields.text("unit") or None, device)
