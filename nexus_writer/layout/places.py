"""The places of all channels of one subscan."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from nexus_writer.model import Channel, Scan, Subscan

from .names import UniqueNames, short_names
from .options import LayoutOptions
from .place import Place, elements_of, place

RESERVED_IN_INSTRUMENT = (
    "name",
    "positioners",
    "positioners_start",
    "positioners_dial_start",
    "positioners_end",
    "positioners_dial_end",
)


class Places:
    """Gives each channel a place of its own: no two share a dataset, or a link.

    Deterministic: the channels that the acquisition chain lists come first, in its order; those that are
    not listed follow as they are asked for, under their full name.
    """

    def __init__(self, scan: Scan, subscan: Subscan, options: LayoutOptions) -> None:
        self._scan = scan
        self._options = options
        self._groups = UniqueNames(RESERVED_IN_INSTRUMENT)
        self._datasets: dict[str, UniqueNames] = {}
        self._links = UniqueNames()
        self._places: dict[str, Place] = {}
        self._elements = elements_of(scan)
        channels = {channel.name: channel for channel in subscan.channels}
        short = short_names(channels)
        raw = [self._raw(channel, short[name], subscan) for name, channel in channels.items()]
        # those that stand for their group get the good names
        for item in sorted(raw, key=lambda item: not item.principal):
            self._places[item.channel] = self._unique(item)

    def __getitem__(self, channel: str) -> Place:
        """The place of the channel with this full name."""
        found = self._places.get(channel)
        if found is None:
            found = self._places[channel] = self._unique(self._raw(Channel(channel), channel, None))
        return found

    def members(self, group: str) -> Set[str]:
        """The names in a group that belong to channels: their datasets, and the link ``data``."""
        return self._datasets[group].given()

    def _raw(self, channel: Channel, short: str, subscan: Subscan | None) -> Place:
        return place(
            channel,
            short,
            scan=self._scan,
            subscan=subscan,
            options=self._options,
            elements=self._elements,
        )

    def _unique(self, raw: Place) -> Place:
        group = self._groups.give(raw.group, (raw.group, raw.nx_class))
        datasets = self._datasets.setdefault(group, UniqueNames())
        dataset = datasets.give(raw.dataset, raw.channel)
        alias = raw.alias and datasets.take("data")
        if raw.link == raw.group and self._links.take(group):
            link = group
        else:
            link = self._links.give(f"{group}_{dataset}", raw.channel)
        return replace(raw, group=group, dataset=dataset, link=link, alias=alias)
