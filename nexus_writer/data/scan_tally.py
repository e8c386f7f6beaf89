"""What was seen of one scan so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from nexus_writer.model import Ending
from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME

from .events import EventData, EventType
from .happenings import (
    ChannelProgress,
    ScanEnded,
    ScanGone,
    ScanPrepared,
    ScanProgressed,
    ScanSilent,
    ScanStarted,
)
from .keys import CHANNEL_TYPES
from .lima_status import images_ready
from .nodes import DataNode, LimaImageChannelDataNode
from .scan_files import scan_model, scan_uris


class ScanTally:
    """Counts the events of a scan and the points of its channels; ``changed`` since it was last told."""

    def __init__(self, node: DataNode, *, entry_name: str = DEFAULT_ENTRY_NAME) -> None:
        info = node.info.get_all()
        scan = scan_model(info)
        self.node = node
        self.below: set[str] = set()
        self.changed = False
        self._title = scan.title
        self._npoints = scan.npoints
        self._uris = tuple(scan_uris(scan, entry_name=entry_name))
        self._events: Counter[EventType] = Counter()
        self._channels: dict[str, ChannelProgress] = {}
        self._next_index: dict[str, int] = {}

    def started(self) -> ScanStarted:
        return ScanStarted(self.node.db_name, self.node.name, self._title, self._uris, self._npoints)

    def prepared(self) -> ScanPrepared:
        return ScanPrepared(self.node.db_name, self.node.name)

    def progressed(self) -> ScanProgressed:
        self.changed = False
        return ScanProgressed(self.node.db_name, self.node.name, self._npoints, self.channels)

    def silent(self, since: float) -> ScanSilent:
        return ScanSilent(self.node.db_name, self.node.name, since)

    def gone(self) -> ScanGone:
        return ScanGone(self.node.db_name, self.node.name)

    def ended(self, exception: str) -> ScanEnded:
        """With what the scan's info says at its end, which counts as an event. Raises redis.RedisError."""
        reason = Ending.from_info(self.node.info.get_all(), exception).reason
        self.count(EventType.END_SCAN)
        key, name = self.node.db_name, self.node.name
        events = Counter(self._events)
        return ScanEnded(key, name, self._npoints, self.channels, self._uris, reason, exception, events)

    @property
    def channels(self) -> Mapping[str, ChannelProgress]:
        return dict(self._channels)

    def count(self, event_type: EventType) -> None:
        self._events[event_type] += 1

    def add(self, node: DataNode) -> None:
        """A node below the scan."""
        self.below.add(node.db_name)
        if node.type in CHANNEL_TYPES:
            self._channels.setdefault(node.fullname, ChannelProgress())
            self.changed = True

    def receive(self, node: DataNode, data: EventData) -> None:
        """New points, or images."""
        progress = self._channels.get(node.fullname, ChannelProgress())
        if isinstance(node, LimaImageChannelDataNode):
            points, lost = max(progress.points, images_ready(data.description)), progress.lost
        else:
            points = data.first_index + data.block_size
            lost = progress.lost + max(0, data.first_index - self._next_index.get(node.db_name, 0))
            self._next_index[node.db_name] = points
        self.changed = True
        self._channels[node.fullname] = ChannelProgress(points, lost)
