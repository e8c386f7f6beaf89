"""Where the points of one channel go. Pure: names in, names out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nexus_writer.model import Channel, Counter, Device, Scan, Subscan

from .options import LayoutOptions

DETECTOR = "NXdetector"
POSITIONER = "NXpositioner"


@dataclass(frozen=True, slots=True)
class Naming:
    """What the name of a channel's place depends on: its full name, that name made short, its data type."""

    name: str
    short: str
    data_type: str = ""

    @property
    def parts(self) -> list[str]:
        return self.name.split(":")


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a channel below ``instrument``, and the name of its links.

    ``channel`` is the full name, the way back from the names in the file. ``alias``: the group gets a soft
    link ``data`` to the dataset. ``axis`` is the index of the plot axis of a principal positioner.
    ``device_type`` is the kind that decided, "" for a positioner or a generic detector.
    """

    channel: str
    group: str
    dataset: str
    link: str
    nx_class: str
    principal: bool
    alias: bool = False
    device_type: str = ""
    axis: int | None = None

    @property
    def is_positioner(self) -> bool:
        return self.nx_class == POSITIONER


@dataclass(frozen=True, slots=True)
class Spot:
    """Group and dataset as a kind of device names them; the principal one stands for its group."""

    group: str
    dataset: str
    principal: bool


def _generic(naming: Naming) -> Spot:
    return Spot(naming.short, "data", True)


def _sampling_counter(naming: Naming) -> Spot:
    group, underscore, quantity = naming.short.rpartition("_")
    if naming.data_type == "signal":
        return Spot(naming.short, "signal", True)
    if not underscore or not group or not quantity:
        return _generic(naming)
    return Spot(group, quantity, False)


DEVICE_TYPES: dict[str, Callable[[Naming], Spot]] = {
    "samplingcounter": _sampling_counter,
}
"""How each published device type names its channels; any other is a generic detector."""


def place(
    channel: Channel, short: str, *, scan: Scan, subscan: Subscan | None, options: LayoutOptions
) -> Place:
    """The place of ``channel``, known as ``short`` among the channels of ``subscan``.

    None for the subscan when its acquisition chain does not list the channel: a detector.
    Names are not normalised yet, and unique only as far as those of the channels are.
    """
    device = subscan.positioner_device if subscan is not None else None
    if device is not None and channel.device == device.id and channel.dim == 0:
        return _place_positioner(channel, short, device, scan, options)
    return _place_detector(channel, short, scan.counter(channel.name))


def _place_detector(channel: Channel, short: str, counter: Counter) -> Place:
    rule = DEVICE_TYPES.get(counter.device_type, _generic)
    spot = rule(Naming(channel.name, short, counter.data_type))
    link = spot.group if spot.principal else f"{spot.group}_{spot.dataset}"
    alias = spot.principal and spot.dataset != "data"
    kind = counter.device_type if counter.device_type in DEVICE_TYPES else ""
    return Place(channel.name, spot.group, spot.dataset, link, DETECTOR, spot.principal, alias, kind)


def _place_positioner(
    channel: Channel, short: str, device: Device, scan: Scan, options: LayoutOptions
) -> Place:
    """A scalar channel of the first triggering device.

    In a line scan the channels of a device with several are grouped: only the first one is principal.
    """
    names = [c.name for c in device.channels]
    index = names.index(channel.name)
    grouped = len(scan.grid.shape) <= 1 and len(names) > 1 and ":" in channel.name
    if not grouped:
        return Place(channel.name, short, "value", short, POSITIONER, True, axis=index)
    principal = index == 0
    axis = 0 if principal else None
    if not options.multivalue_positioners:
        return Place(channel.name, short, "value", short, POSITIONER, principal, axis=axis)
    group, _, last = channel.name.rpartition(":")
    dataset = "value" if principal else last
    link = group if principal else f"{group}_{dataset}"
    return Place(channel.name, group, dataset, link, POSITIONER, principal, axis=axis)
