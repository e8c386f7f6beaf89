"""A subscan: one top master of the acquisition chain with everything below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .channel import Channel
from .device import Device, read_device
from .fields import Fields

SUBSCAN_FIELDS = ("acquisition_chain", "devices", "channels")
"""The fields of a scan's info that tell its subscans."""


@dataclass(frozen=True, slots=True)
class Subscan:
    """``name`` is that of the top master, ``index`` counts from 1 in the order of the chain.

    ``devices`` are in chain order, the top master first.
    """

    name: str
    index: int
    devices: tuple[Device, ...] = ()

    @property
    def channels(self) -> Iterator[Channel]:
        for device in self.devices:
            yield from device.channels

    @property
    def positioner_device(self) -> Device | None:
        """The device whose scalar channels are positioners: the first one that triggers another."""
        return next((device for device in self.devices if device.triggers), None)


def read_subscans(info: Fields) -> tuple[Subscan, ...]:
    """One per top master, in the order of the chain; a chain without any gives one without devices."""
    chain = info.fields("acquisition_chain", needed=True)
    devices = info.fields("devices")
    channels = info.fields("channels")
    subscans = []
    for index, name in enumerate(chain.values, 1):
        ids = dict.fromkeys(chain.fields(name).texts("devices"))
        subscans.append(Subscan(name, index, tuple(read_device(id, devices, channels) for id in ids)))
    return tuple(subscans) or (Subscan("", 1),)
