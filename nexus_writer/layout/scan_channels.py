"""The channels of one scan in its entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nexus_writer.hdf5 import FileBroken, PointsRefused
from nexus_writer.model import Block, ChannelDescription
from nexus_writer.model.limits import one_line

from .camera_data import CameraData
from .channel_data import ChannelData
from .continued import Continued
from .entry import Entry
from .scan_entries import ScanEntries


class ScanChannels:
    """By key. One that is lost is given up, and ``warn`` is told; the others go on. Raises FileBroken."""

    points: dict[str, int]
    """Points in the file."""
    lost: dict[str, str]
    """Why a channel's points are not all in the file."""
    bytes_written: int

    def __init__(self, scan_key: str, warn: Callable[[str], None]) -> None:
        self.points = {}
        self.lost = {}
        self.bytes_written = 0
        self._scan_key = scan_key
        self._warn = warn
        self._entries: ScanEntries | None = None
        self._channels: dict[str, tuple[Entry, ChannelData]] = {}
        self._continued = Continued()

    @property
    def by_key(self) -> Mapping[str, tuple[Entry, ChannelData]]:
        return self._channels

    def open(self, entries: ScanEntries) -> None:
        """The entries are there: their channels may come."""
        self._entries = entries

    def close(self) -> None:
        """The file is being closed: hold nothing of it any more."""
        self._entries = None
        self._channels.clear()
        self._continued = Continued()

    def add(self, channel: ChannelDescription) -> None:
        """Make the place of a channel, before its first point."""
        if self._add(channel, Entry.add_channel) is not None:
            self.points[channel.key] = 0

    def add_camera(self, channel: ChannelDescription) -> CameraData | None:
        """Make the place of a camera. None when it is there already, and when it cannot be."""
        data = self._add(channel, Entry.add_camera)
        return data if isinstance(data, CameraData) else None

    def pass_over(self, key: str, name: str) -> None:
        """A channel of the scan has appeared whose points are nothing to save here."""
        if self._entries is not None:
            self._entries.of_channel(key).pass_over(name)

    def lose(self, key: str, why: str) -> None:
        """Give a channel up: nothing more of it is written, and the writing ends FAILED."""
        why = one_line(why)
        if self.lost.setdefault(key, why) is why:
            self._warn(why)

    def append(self, blocks: Mapping[str, Sequence[Block]]) -> None:
        """Write points, by channel key."""
        self._make_datasets(blocks)
        for key, points in blocks.items():
            if key not in self.lost:
                self._append(key, points)

    def _make_datasets(self, blocks: Mapping[str, Sequence[Block]]) -> None:
        """Those of new channels one after the other, and their points then: so their headers lie together in
        the file, and a flush changes few of its pages (100 for 1,000 channels, instead of 1,000)."""
        if self._entries is None or self._entries.earlier is not None:
            return
        for key, points in blocks.items():
            entry, data = self._channels.get(key, (None, None))
            if entry is None or data is None or data.has_dataset or key in self.lost:
                continue
            try:
                entry.require_dataset(data, points)
            except FileBroken:
                raise
            except Exception as error:
                self._refused(key, data, error)

    def _append(self, key: str, blocks: Sequence[Block]) -> None:
        """Write points of a channel. Those that do not fit go on as another one, see :mod:`.continued`."""
        where, offset, points = self._continued.follow(key, blocks)
        found = self._channels.get(where)
        if found is None:
            self.lose(key, f"{key} is not saved: it has points and no description")
            return
        entry, data = found
        try:
            if not data.has_dataset and points:
                self._bring_over(entry, data, points[0].start)
            self.bytes_written += entry.append(data, points)
            self.points[key] = offset + data.points
        except FileBroken:
            raise
        except Exception as error:
            rest = self._continued.begin(data, points) if isinstance(error, PointsRefused) else None
            if rest is None:
                self._refused(key, data, error)
                return
            self._warn(f"{data.channel.name} goes on as {rest.name}: {error}")
            self._add(rest, Entry.add_channel)
            self._append(key, blocks)

    def _refused(self, key: str, data: ChannelData, error: Exception) -> None:
        self.lose(key, f"{data.channel.name} is not saved from point {data.points} on: {error}")

    def tell_gaps(self) -> None:
        """Points that did not come are lost: name them."""
        for key, (_, data) in self._channels.items():
            ranges = [f"{start} to {stop - 1}" for start, stop in data.gaps]
            if ranges:
                more = f" and {len(ranges) - 10} more ranges" if len(ranges) > 10 else ""
                self.lose(key, f"{data.channel.name}: points {', '.join(ranges[:10])}{more} never came")

    def _add(
        self, channel: ChannelDescription, add: Callable[[Entry, ChannelDescription], ChannelData]
    ) -> ChannelData | None:
        """None when it is there already, and when it cannot be."""
        if channel.key in self._channels:
            return None
        assert self._entries is not None
        entry = self._entries.of_channel(channel.key)
        try:
            data = add(entry, self._renamed(entry, channel))
        except FileBroken:
            raise
        except Exception as error:
            self.lose(channel.key, f"{channel.name} is not saved: {error}")
            return None
        self._channels[channel.key] = (entry, data)
        return data

    def _renamed(self, entry: Entry, channel: ChannelDescription) -> ChannelDescription:
        """The channel, under a name of its own where an earlier one has its name: each keeps its points."""
        if not entry.has_channel(channel.name):
            return channel
        name = channel.key.removeprefix(f"{self._scan_key}:")
        self._warn(f"two channels are called {channel.name}: the second one is saved as {name}")
        return replace(channel, name=name)

    def _bring_over(self, entry: Entry, data: ChannelData, stop: int) -> None:
        """The points before ``stop`` that only an earlier writing has."""
        earlier = self._entries.earlier if self._entries is not None else None
        if earlier is not None:
            for block in earlier.lacking(data, entry.scan_rank, stop):
                entry.append(data, [block])
