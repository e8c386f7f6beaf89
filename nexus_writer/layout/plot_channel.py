"""What a plot has to know of a channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nexus_writer.model import Subscan

from .channel_data import ChannelData

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PlotChannel:
    """A channel that has a dataset, as it is at this moment.

    ``link`` is its name in plots; ``grid`` the part of the dataset's shape that the scan makes, and
    ``point_shape`` the part that a point makes. ``axis`` is the index of the axis that a positioner scans.
    ``virtual``: the dataset shows what lies in other files.
    """

    name: str
    link: str
    path: str
    device_type: str
    dtype: np.dtype[Any]
    grid: tuple[int, ...]
    point_shape: tuple[int, ...]
    points: int
    gaps: tuple[Range, ...] = ()
    unit: str | None = None
    is_positioner: bool = False
    axis: int | None = None
    virtual: bool = False

    @property
    def rank(self) -> int:
        return len(self.point_shape)

    @property
    def kept(self) -> bool:
        """Whether the dataset has the shape of a mesh."""
        return len(self.grid) > 1

    @property
    def plottable(self) -> bool:
        """Numbers, with at least one in a point."""
        return self.dtype.kind in "biufc" and all(self.point_shape)

    @property
    def measured(self) -> tuple[Range, ...]:
        """The ranges [start, stop) of points that are there."""
        edges = [0, *(edge for gap in self.gaps for edge in gap), self.points]
        pairs = zip(edges[::2], edges[1::2], strict=True)
        return tuple((start, stop) for start, stop in pairs if start < stop)

    def has_all(self, points: int) -> bool:
        return self.points == points and not self.gaps

    @property
    def dtype_with_nan(self) -> np.dtype[Any]:
        """A type that has all values of the channel, or nearly, and NaN."""
        return self.dtype if self.dtype.kind in "fc" else np.promote_types(self.dtype, np.float32)


def plot_channel(data: ChannelData, device_type: str) -> PlotChannel:
    """The channel of ``data``, which has a dataset; ``device_type`` is the published one, or ""."""
    dataset, place = data.dataset, data.place
    point_shape = dataset.point_shape
    return PlotChannel(
        data.channel.name,
        place.link,
        dataset.path,
        device_type or f"unknown{len(point_shape)}D",
        data.channel.dtype,
        dataset.shape[: len(dataset.shape) - len(point_shape)],
        point_shape,
        dataset.points,
        tuple(dataset.gaps),
        data.unit,
        place.is_positioner,
        place.axis,
        data.virtual,
    )


def node_order(subscan: Subscan) -> Mapping[str, int]:
    """The order in which the nodes of the listed channels appear: level by level of the acquisition chain,
    in the order of the chain within a level."""
    triggers = {device.id: device.triggered for device in subscan.devices}
    triggered = {id for ids in triggers.values() for id in ids}
    level = {id: 0 for id in triggers if id not in triggered}
    reached = list(level)
    for id in reached:
        for below in triggers[id]:
            if below in triggers and below not in level:
                level[below] = level[id] + 1
                reached.append(below)
    devices = sorted(subscan.devices, key=lambda device: level.get(device.id, len(level)))
    names = [channel.name for device in devices for channel in device.channels]
    return {name: index for index, name in enumerate(dict.fromkeys(names))}
