"""Where the points of one channel go. Pure: names in, names out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nexus_writer.model import Channel, Counter, Device, Scan, Subscan

from .kinds import autofilter, generic, lima, mythen, sampling_counter
from .mca import Elements, known_elements, mca
from .options import LayoutOptions
from .spot import Naming, Spot

DETECTOR = "NXdetector"
POSITIONER = "NXpositioner"


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a channel below ``instrument``, and the name of its links.

    ``channel`` is the full name, the way back from the names in the file. ``alias``: the group gets a soft
    link ``data`` to the dataset. ``axis`` is the index of the plot axis of a principal positioner.
    ``device_type`` is the kind that decided, "" for a positioner or a generic detector. ``unit`` is the one
    that the kind knows, ``selection`` the key of the device's metadata that this group shows, "" for all.
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
    unit: str | None = None
    selection: str = ""

    @property
    def is_positioner(self) -> bool:
        return self.nx_class == POSITIONER


DEVICE_TYPES: Mapping[str, Callable[[Naming], Spot]] = {
    "samplingcounter": sampling_counter,
    "mca": mca,
    "mythen": mythen,
    "lima": lima,
    "autofilter": autofilter,
}
"""How each published device type names its channels; any other is a generic detector."""


def elements_of(scan: Scan) -> Elements:
    """The detector elements of the session's multi-channel analysers, by controller."""
    return known_elements(name for name, counter in scan.counters.items() if counter.device_type == "mca")


def place(
    channel: Channel,
    short: str,
    *,
    scan: Scan,
    subscan: Subscan | None,
    options: LayoutOptions,
    elements: Elements | None = None,
) -> Place:
    """The place of ``channel``, known as ``short`` among the channels of ``subscan``.

    None for the subscan when its acquisition chain does not list the channel: a detector. ``elements`` are
    those of the scan, where they are known already.
    Names are not normalised yet, and unique only as far as those of the channels are.
    """
    device = subscan.positioner_device if subscan is not None else None
    if device is not None and channel.device == device.id and channel.dim == 0:
        return _place_positioner(channel, short, device, scan, options)
    counter = scan.counter(channel.name)
    return _place_detector(channel, short, counter, elements_of(scan) if elements is None else elements)


def _place_detector(channel: Channel, short: str, counter: Counter, elements: Elements) -> Place:
    kind = counter.device_type if counter.device_type in DEVICE_TYPES else ""
    controller = channel.name.rpartition(":")[0]
    naming = Naming(channel.name, short, counter.data_type, elements.get(controller, ()))
    spot = DEVICE_TYPES.get(kind, generic)(naming)
    return Place(
        channel.name,
        spot.group,
        spot.dataset,
        spot.group if spot.principal else f"{spot.group}_{spot.dataset}",
        DETECTOR,
        spot.principal,
        alias=spot.principal and spot.dataset != "data",
        device_type=kind,
        unit=spot.unit,
        selection=spot.selection,
    )


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
