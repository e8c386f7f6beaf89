"""One subscan in its file: an NXentry.

What is written when: title, start, instrument and the positions of the motors when the scan appears; the
group of a channel with its node; its dataset and links with its first point; metadata when the scan is
prepared and again when it ends, with everything else that only the end knows. So a scan that dies leaves all
that was known of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from nexus_writer.hdf5 import (
    ChunkOptions,
    FileBroken,
    create_group,
    require_group,
    soft_link,
    unlink,
    write_text,
)
from nexus_writer.model import Block, Channel, ChannelDescription, Ending, Scan, Subscan
from nexus_writer.model.entry_names import entry_name
from nexus_writer.model.location import data_directory

from .application_definitions import application_definitions
from .applications import ApplicationWriter, PlacedChannel, applications_of
from .camera_data import CameraData, Surroundings
from .channel_data import ChannelData
from .dump import Dump
from .instrument import Instrument
from .metadata import category_trees
from .notes import notes_tree
from .options import LayoutOptions
from .places import Places
from .plot_channel import node_order, plot_channel
from .plots import Plots, grid_axes
from .points_report import Absent, Reported
from .sample import sample_tree
from .writer_note import Status, WriterNote

ENTRY = "NXentry"


class Entry:
    """The entry of ``subscan`` below ``root``, made at once.

    ``warn`` takes what is left out. Only FileBroken is raised once the entry stands, but for what concerns
    one channel.
    """

    def __init__(
        self,
        root: Any,
        scan: Scan,
        subscan: Subscan,
        options: LayoutOptions,
        chunking: ChunkOptions,
        warn: Callable[[str], None],
    ) -> None:
        self.name = entry_name(scan, subscan, options.entry_name)
        self._scan = scan
        self._listed = {channel.name: channel for channel in subscan.channels}
        self._chunking = chunking
        self._warn = warn
        self._places = Places(scan, subscan, options)
        self._dump = Dump(warn)
        self._channels: dict[str, ChannelData] = {}
        self._elsewhere: set[str] = set()
        self._absent: list[Absent] = []
        self._measurement: Any = None
        self.group = create_group(root, self.name, ENTRY)
        write_text(self.group, "title", scan.title)
        self._start = (scan.start or datetime.now().astimezone()).isoformat()
        write_text(self.group, "start_time", self._start)
        self.note = WriterNote(self.group, scan, subscan)
        self.instrument = Instrument(self.group, scan, self._places, self._dump, warn)
        self._options = options
        self._node_order = node_order(subscan)
        axes = grid_axes(scan, subscan, self._places)
        self.plots = Plots(self.group, self.name, scan, axes, options, warn)
        self._scan_shape = scan.grid.saved_shape(keepshape=options.keepshape)
        self._directory = data_directory(scan)

    def add_channel(self, channel: ChannelDescription) -> ChannelData:
        """Make the group of a channel; its dataset comes with its first point."""
        data = ChannelData(channel, **self._about(channel))
        self._channels[channel.name] = data
        return data

    def has_channel(self, name: str) -> bool:
        """Whether a channel or camera of this full name was added."""
        return name in self._channels

    def add_camera(self, channel: ChannelDescription) -> CameraData:
        """Make the group of a camera; its dataset comes when it has said where it saves."""
        around = Surroundings(
            self._options, self._directory, self._link_camera, self._unlink_camera, self._warn
        )
        data = CameraData(channel, **self._about(channel), surroundings=around)
        self._channels[channel.name] = data
        return data

    def pass_over(self, name: str) -> None:
        """A channel that has appeared, and whose points are no numbers to save."""
        self._elsewhere.add(name)

    def _about(self, channel: ChannelDescription) -> dict[str, Any]:
        """What the data of a channel are made with; its group is there then."""
        place = self._places[channel.name]
        listed = self._listed.get(channel.name, Channel(channel.name))
        device_info = self._scan.counter(channel.name).device_info
        return {
            "place": place,
            "group": self.instrument.add_channel(place, listed.device, device_info),
            "scan_shape": self._scan_shape,
            "chunking": self._chunking,
            "unit": listed.unit,
        }

    def append(self, data: ChannelData, blocks: Sequence[Block]) -> int:
        """Add points to a channel; bytes of values written."""
        if not self.require_dataset(data, blocks):
            return 0
        nbytes = data.append(blocks)
        self.plots.measure(data.place, blocks)
        return nbytes

    def stage(self) -> None:
        """Prepare what readers are to see after the next flush and ``publish``."""
        self._attempt("plots", self.plots.stage, (placed.channel for placed in self._placed_channels()))
        self.note.stage(self._reported())

    def publish(self) -> bool:
        """Show what was staged before the last flush, and count its points; whether there was anything."""
        return self.plots.publish() | self.note.commit(self._reported())

    def require_dataset(self, data: ChannelData, blocks: Sequence[Block]) -> bool:
        """Make the dataset of a channel with its first points, ``blocks``; whether it is there then."""
        if (
            not data.has_dataset
            and (first := next((block for block in blocks if len(block)), None)) is not None
        ):
            self.create_dataset(data, first)
        return data.has_dataset

    def create_dataset(self, data: ChannelData, first: Block) -> None:
        """Make the dataset of a channel, empty, and its links; ``first`` are its first points."""
        declared = data.channel
        data.create(first.values)
        if data.channel != declared:
            self._warn(
                f"{declared.name} is declared as {declared.dtype} {declared.shape} and saved as its first"
                f" points are, {data.channel.dtype} {data.channel.shape}"
            )
        self._attempt("links", self._link, data)

    @property
    def scan_rank(self) -> int:
        """The number of the scan's dimensions in its datasets."""
        return len(self._scan_shape)

    def prepare(self, scan: Scan) -> None:
        """The scan is about to measure: metadata so far."""
        self.plots.prepare(scan)
        self._attempt("metadata", self._write_metadata, scan)
        self.note.set_status(Status.RUNNING)

    def finish(self, scan: Scan, ending: Ending) -> None:
        """The scan has ended; ``publish`` follows. The status of the writing is left to the caller, who
        writes it last."""
        self._attempt("units", self._write_units, scan)
        for data in self._channels.values():
            self._attempt(f"points of {data.channel.name}", ChannelData.finish, data)
        channels = (placed.channel for placed in self._placed_channels())
        self._attempt("plots", partial(self.plots.stage, ended=scan), channels)
        self._attempt("metadata", self._write_metadata, scan)
        self._attempt("positions", self.instrument.write_end, scan.positioners)
        self._attempt("notes", self._write_notes, scan)
        known = self._channels.keys() | self._elsewhere
        self._absent = [Absent(name) for name in self._listed if name not in known]
        self._attempt("counts of points", partial(self.note.finish, scan=scan), self._reported())
        keep_manifest = partial(self.note.keep_manifest, directory=self._directory)
        self._attempt("manifest", keep_manifest, self._channels.values())
        write_text(self.group, "end_reason", ending.reason)
        end = (ending.time or datetime.now().astimezone()).isoformat()
        write_text(self.group, "end_time", end)
        self._write_applications(scan, end)

    def close(self) -> None:
        """The file is being closed."""
        self.plots.close()
        self._channels.clear()

    def _reported(self) -> list[Reported]:
        return [*self._channels.values(), *self._absent]

    def _link(self, data: ChannelData) -> None:
        place = data.place
        target = f"/{self.name}/instrument/{place.group}/{place.dataset}"
        if place.alias:
            soft_link(data.group, "data", place.dataset)
        if self._measurement is None:
            self._measurement = require_group(self.group, "measurement")
        soft_link(self._measurement, place.link, target)
        if place.is_positioner:
            self.instrument.add_positioner_link(place, target)

    def _link_camera(self, data: CameraData, has_frames: bool) -> None:
        """Texts that name frames are nothing to look at: they are linked in their group only."""
        if has_frames:
            self._attempt("links", self._link, data)
        elif data.place.alias:
            soft_link(data.group, "data", data.place.dataset)

    def _unlink_camera(self, data: CameraData) -> None:
        if data.place.alias:
            unlink(data.group, "data")
        if self._measurement is not None:
            unlink(self._measurement, data.place.link)
            if not len(self._measurement):
                unlink(self.group, "measurement")
                self._measurement = None

    def _placed_channels(self) -> Iterator[PlacedChannel]:
        """The channels that have data, in the order of their nodes."""
        last = len(self._node_order)
        ordered = sorted(self._channels.items(), key=lambda item: self._node_order.get(item[0], last))
        for name, data in ordered:
            if data.has_dataset:
                channel = plot_channel(data, self._scan.counter(name).device_type)
                yield PlacedChannel(data.place, channel)

    def _write_applications(self, scan: Scan, end: str) -> None:
        definitions = application_definitions(self._options.applications)
        applications = applications_of(scan, definitions, self._warn)
        placed = list(self._placed_channels()) if applications else []
        times = {"start_time": self._start, "end_time": end}
        writer = ApplicationWriter(self.group, placed, times, stack=self._options.stackmca)
        for application in applications:
            self._attempt(f"links of application {application.name}", writer.write, application)

    def _attempt(self, what: str, write: Callable[[Any], None], argument: Any) -> None:
        """What goes wrong with one part of an entry leaves the others alone. Raises FileBroken."""
        try:
            write(argument)
        except FileBroken:
            raise
        except Exception as error:
            self._warn(f"{what} of {self.name} are incomplete: {type(error).__name__}: {error}")

    def _write_units(self, scan: Scan) -> None:
        listed = {channel.name: channel for subscan in scan.subscans for channel in subscan.channels}
        for name, data in self._channels.items():
            if name in listed:
                data.set_unit(listed[name].unit)

    def _write_notes(self, scan: Scan) -> None:
        notes = notes_tree(scan.comments)
        self._dump.write(self.group, {"notes": notes} if notes else {}, "notes", ENTRY)

    def _write_metadata(self, scan: Scan) -> None:
        self.instrument.write_metadata(scan)
        trees, warnings = category_trees(scan)
        sample, unknown = sample_tree(scan.dataset_metadata)
        for warning in (*warnings, *unknown):
            self._warn(warning)
        for name, tree in trees.items():
            self._dump.write(self.group, {name: tree}, f"category {name}", ENTRY)
        tree = {"sample": sample} if sample else {}
        self._dump.write(self.group, tree, "sample of the dataset", ENTRY)
