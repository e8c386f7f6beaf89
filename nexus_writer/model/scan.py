"""What a scan is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from .comment import Comment, read_comments
from .counter import UNKNOWN_COUNTER, Counter, read_counters
from .dataset_metadata import merge_metadata
from .fields import Fields, PartRead, read_part
from .grid import Grid, ScanAxis, read_axes, read_grid
from .instant import read_instant
from .plot import read_selection
from .positioners import PositionerSnapshots, read_positioners
from .storage import Storage, read_storage
from .subscan import SUBSCAN_FIELDS, Subscan, read_subscans
from .technique import Technique, read_technique

Info = Mapping[str, Any]
"""As a node of Redis has it."""

NOT_CATEGORIES = ("positioners", "nexuswriter")


@dataclass(frozen=True, slots=True)
class ScanParts:
    """What grows with the channels, and hardly changes while a scan runs (5 ms for 1,000 of them)."""

    subscans: PartRead[tuple[Subscan, ...]]
    counters: PartRead[Mapping[str, Counter]]


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan as its info describes it; the one definition that everything else builds on.

    Whatever is missing or unreadable has a default and is told in ``problems``. ``categories`` are the
    metadata categories in the order of ``scan_meta_categories``, as published; ``masters`` the master
    files by level ("dataset", "dataset_collection", "proposal"); ``dataset_metadata`` the fields of the
    dataset that holds the scan, inherited ones included; ``axes`` where motors are to go, by channel name;
    ``selection`` what the user selected for plots.
    """

    key: str
    name: str
    number: int = 1
    title: str = ""
    session: str = ""
    filename: str = ""
    images_path: str = ""
    save: bool = False
    data_writer: str = ""
    start: datetime | None = None
    grid: Grid = field(default_factory=Grid)
    axes: Mapping[str, ScanAxis] = field(default_factory=dict)
    subscans: tuple[Subscan, ...] = (Subscan("", 1),)
    counters: Mapping[str, Counter] = field(default_factory=dict)
    instrument_info: Mapping[str, Any] = field(default_factory=dict)
    positioners: PositionerSnapshots = field(default_factory=PositionerSnapshots)
    categories: Mapping[str, Any] = field(default_factory=dict)
    comments: tuple[Comment, ...] = ()
    selection: tuple[str, ...] = ()
    technique: Technique = field(default_factory=Technique)
    publisher: str = ""
    publisher_version: str = ""
    storage: Storage = field(default_factory=Storage)
    masters: Mapping[str, str] = field(default_factory=dict)
    data_policy: str = ""
    dataset_metadata: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    parts: ScanParts | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_info(
        cls, info: Info, key: str, *, parents: Sequence[Info] = (), earlier: ScanParts | None = None
    ) -> Self:
        """The scan with the node ``key``.

        ``parents`` are the infos of its dataset, collection and proposal, in this order; none where the
        scan does not belong to a dataset. What ``earlier`` was read of the same objects is not read again.
        Never raises for what an info holds.
        """
        problems: list[str] = []
        fields = Fields(info, problems)
        writer = fields.fields("nexuswriter")
        parts = _read_parts(fields, writer, earlier)
        name = fields.text("name") or key.rpartition(":")[2]
        return cls(
            key=key,
            name=name,
            number=fields.integer("scan_nb", _number_in(name), needed=True),
            title=fields.text("title", needed=True) or name,
            session=fields.text("session_name") or key.partition(":")[0],
            filename=fields.text("filename", needed=True),
            images_path=fields.text("images_path"),
            save=fields.flag("save", needed=True),
            data_writer=fields.text("data_writer", needed=True),
            start=read_instant(fields, "start"),
            grid=read_grid(fields),
            axes=read_axes(fields),
            subscans=parts.subscans.value,
            counters=parts.counters.value,
            instrument_info=writer.mapping("instrument_info"),
            positioners=read_positioners(fields),
            categories=_read_categories(fields),
            comments=read_comments(fields),
            selection=read_selection(fields),
            technique=read_technique(writer),
            publisher=fields.text("publisher"),
            publisher_version=fields.text("publisher_version"),
            storage=read_storage(fields),
            masters=_read_masters(writer.fields("masterfiles")),
            data_policy=fields.text("data_policy"),
            dataset_metadata=merge_metadata(parents),
            problems=tuple(dict.fromkeys(problems)),
            parts=parts,
        )

    def updated(self, info: Info) -> Self:
        """The scan as a later info describes it, in the same dataset. Objects that both infos share were not
        changed."""
        later = type(self).from_info(info, self.key, earlier=self.parts)
        return replace(later, dataset_metadata=self.dataset_metadata)

    @property
    def npoints(self) -> int:
        """Points that each channel is expected to have; 0 when unknown."""
        return self.grid.npoints

    @property
    def start_timestamp(self) -> float | None:
        """When the scan started, epoch seconds; None where it was not published."""
        return None if self.start is None else self.start.timestamp()

    def wants_saving(self, writer_names: Collection[str] = ("nexus",)) -> bool:
        """Whether the scan is to be saved, and by one of these writers."""
        return self.save and self.data_writer in writer_names

    def without_config(self) -> Self:
        """The scan without anything that its session tells the writer of its configuration."""
        dataset = {"dataset": self.masters["dataset"]} if "dataset" in self.masters else {}
        return replace(self, counters={}, instrument_info={}, masters=dataset, technique=Technique())

    def counter(self, channel: str) -> Counter:
        """What the session says of the counter with this full channel name."""
        return self.counters.get(channel, UNKNOWN_COUNTER)

    def subscan_of(self, channel_key: str) -> Subscan:
        """The subscan below whose top master the channel's node lies; the first one where none fits."""
        path = channel_key.removeprefix(self.key + ":")
        below = [s for s in self.subscans if s.name and path.startswith(s.name + ":")]
        return max(below, key=lambda s: len(s.name), default=self.subscans[0])


def _read_parts(fields: Fields, writer: Fields, earlier: ScanParts | None) -> ScanParts:
    sources = tuple(map(fields.values.get, SUBSCAN_FIELDS))
    devices = (writer.values.get("devices"),)
    return ScanParts(
        read_part(read_subscans, fields, sources, None if earlier is None else earlier.subscans),
        read_part(read_counters, writer, devices, None if earlier is None else earlier.counters),
    )


def _number_in(name: str) -> int:
    """The number that the name of a scan's node begins with; 1 where there is none."""
    match = re.match(r"_?(\d+)", name)
    return int(match.group(1)) if match else 1


def _read_masters(fields: Fields) -> dict[str, str]:
    return {level: path for level in fields.values if (path := fields.text(level))}


def _read_categories(fields: Fields) -> dict[str, Any]:
    names = dict.fromkeys(fields.texts("scan_meta_categories"))
    return {
        name: fields.values[name]
        for name in names
        if name not in NOT_CATEGORIES and fields.values.get(name) is not None
    }
