"""One scan in the writer thread: from what Redis gave to the file. Knows neither greenlets nor clients.

Points wait here as they came from Redis, by channel. A flush decodes what are raw entries in one go, appends
all with one write per channel, and flushes the file: the cost of HDF5 is per call, not per point, so a point
costs little when many share a call. Nothing waits longer than ``flush_period_s``, but while another flush is
under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from nexus_writer.data.cameras import CAMERA_TYPE
from nexus_writer.data.info import RawInfo
from nexus_writer.data.info_memory import InfoMemory
from nexus_writer.data.keys import REFERENCE_TYPE
from nexus_writer.data.scan_items import (
    CameraPrepared,
    NodeAdded,
    ScanEnded,
    ScanItem,
    ScanPoints,
    ScanPrepared,
)
from nexus_writer.hdf5 import FileBroken, Hdf5Error, OpenFiles, Sync, carry_out
from nexus_writer.layout import Masters, ScanFile
from nexus_writer.model import Block, Scan
from nexus_writer.model.location import data_file

from .cameras import CameraFeeds
from .channel_feeds import ChannelFeeds, History
from .errors import NotSaved
from .options import WriterOptions
from .pending_points import PendingPoints
from .progress import progress_of
from .references import ScansReferenced, refer
from .scan_found import ScanFound
from .status import ScanProgress

CHANNEL_TYPES = frozenset({"channel", "lima"})
"""Nodes whose points are saved; references to other scans (node_ref_channel) are not."""


class ScanConsumer:
    """Feeds one ScanFile with what a listener received. Only for the writer thread, but for ``progress``."""

    scan: Scan | None
    """The scan as its info described it at the start, None when it is done with; any thread may read it."""
    filename: str
    """Of its file; "" where it has none, and before ``find``."""
    start_time: float | None
    """When the scan began, epoch seconds as published; None before ``find``."""
    progress: ScanProgress
    """Replaced after every flush; any thread may read it."""

    scan_end_time: float | None
    """When the scan ended, epoch seconds as published; None before that."""

    completed: bool
    """Whether ``finish`` brought the entries to their end: not where the disk refused that."""

    def __init__(
        self,
        key: str,
        options: WriterOptions,
        files: OpenFiles,
        masters: Masters | None = None,
        pause: Callable[[], None] | None = None,
        infos: InfoMemory | None = None,
    ) -> None:
        """``pause`` lets others go on for a moment, while chunks are compressed; it may ``abandon`` the file,
        and raises then. ``masters`` and ``infos`` are shared by all scans."""
        self.key = key
        self.scan = None
        self.filename = ""
        self.start_time = None
        self.progress = ScanProgress()
        self.scan_end_time = None
        self.completed = False
        self._options = options
        self._files = files
        self._masters = masters
        self._pause = pause
        self._infos = infos or InfoMemory()
        self._file: ScanFile | None = None
        self._cameras = CameraFeeds(options.paths)
        self._channels = ChannelFeeds()
        self._pending = PendingPoints(options.flush_bytes, options.flush_period_s)
        self._ended: ScanEnded | None = None
        self._story: list[ScanItem | ScansReferenced] = []
        self._lost_before: dict[str, str] = {}
        self._finishing = False

    # -- what the listener received --

    def find(self, found: ScanFound) -> None:
        """Understand the scan. Raises NotSaved when it is not to be saved here, OutsideRoots when its file
        is where this writer may not write."""
        info = self._options.paths.apply_to_scan_info(self._infos.decode(found.info))
        parents = [self._infos.decode(parent) for parent in found.parents]
        self.scan = Scan.from_info(info, self.key, parents=parents)
        self.filename, self.start_time = self.scan.filename or "", self.scan.start_timestamp
        if not self.scan.wants_saving({self._options.writer_name}):
            raise NotSaved
        if (path := data_file(self.scan)) is not None:
            self._options.paths.roots.check(path)
        self._file = ScanFile(self.scan, self._files, self._options.layout, self._masters)
        self.progress = ScanProgress(uris=tuple(self._file.uris))

    def is_saved(self) -> bool:
        """After ``find``: whether the file has the scan, complete, or refuses it."""
        assert self._file is not None
        return self._file.is_saved()

    def link(self) -> None:
        """After ``find``: make the links that lack to a scan that was saved before."""
        assert self._file is not None
        self._file.link()

    def open(self, *, beside: bool = False, take_over: bool = False) -> None:
        """Create the scan's entries, or go on with those that were given up.

        Raises FileLocked when somebody else writes the file: try again, or ``beside`` it, which another
        writer that is at work on this scan prevents, unless this one is to ``take_over``.
        """
        assert self._file is not None
        self._file.create(beside=beside, take_over=take_over)
        self.progress = replace(self.progress, uris=tuple(self._file.uris))
        self._file.commit()

    def feed(self, item: ScanItem | ScansReferenced) -> None:
        """Take what comes next of the scan, in the order of Redis. ``open`` comes first."""
        if not isinstance(item, ScanPoints):
            self._story.append(item)
        self._take(item)

    def _take(self, item: ScanItem | ScansReferenced) -> None:
        assert self._file is not None
        match item:
            case ScanPoints():
                self._receive(item)
            case NodeAdded():
                self._add(item, self._file)
            case CameraPrepared():
                self._cameras.prepare(item, self._file)
                self._file.commit()
            case ScanPrepared():
                self._file.prepare(self._decode_info(item.info))
                self._file.commit()
            case ScansReferenced():
                refer(item, self._file, self._options)
            case ScanEnded():
                self._ended = item

    def warn(self, text: str) -> None:
        """Say it in the file, at once."""
        if self._file is not None:
            self._file.warn(text)
            self._file.commit()
            self.progress = progress_of(self.scan, self._file)

    def _add(self, node: NodeAdded, file: ScanFile) -> None:
        if node.node_type == REFERENCE_TYPE:
            file.pass_over(node.key, node.name)
        if node.node_type not in CHANNEL_TYPES or self._channels.is_too_much(node, file):
            return
        feeds = self._cameras if node.node_type == CAMERA_TYPE else self._channels
        feeds.add(node, file)

    def _receive(self, points: ScanPoints) -> None:
        self._pending.begin(points.received_at)
        for key, entries in points.streams:
            if self._cameras.receive(key, entries) or key not in self._channels:
                continue
            self._channels.received(key, entries[-1][0])
            self._pending.add(key, entries)
        for key, run in points.runs:
            if key in self._channels:
                self._channels.received(key, run.last_id)
                self._pending.add_run(key, run)

    # -- flushing --

    def seconds_to_flush(self) -> float | None:
        """How long pending points, and frames of cameras, may wait still; None when there are none."""
        due_s = self._pending.seconds_to_flush()
        if due_s is None and self._file is not None:
            return self._file.cameras.seconds_to_update()
        return due_s

    def lag_s(self) -> float:
        """Age of the oldest points that are not in the file."""
        return self._pending.age_s()

    def flush(self) -> None:
        """Bring all pending points into the file, so that its readers see them; they wait until they are."""
        if self._file is None:
            return
        self._append(self._file)
        self._file.commit(self._pause)
        self._pending.clear()
        self._lost_before = dict(self._file.lost)
        self.progress = progress_of(self.scan, self._file)

    def _append(self, file: ScanFile) -> None:
        blocks: dict[str, Sequence[Block]] = {}
        for key, parts in self._pending.streams():
            decoded = self._channels.decode(key, parts, file)
            if decoded:
                blocks[key] = decoded
        file.append(blocks)
        self._cameras.refer(file, ended=self._ended is not None)

    # -- a write failed --

    def check(self) -> None:
        """Raises FileBroken when the file takes no more: a write of this scan failed, or of another one."""
        if self._file is not None:
            self._file.check()

    def begin_sync(self, after_s: float) -> Sync | None:
        """What brings the file to the disk, when it is due ``after_s`` since the last time."""
        return None if self._file is None else self._file.begin_sync(after_s)

    def give_back(self) -> None:
        """After FileBroken: give the file back without another write. ``reopen`` or ``finish`` is next."""
        if self._file is not None:
            self._file.give_back()

    def reopen(self, history: History, *, beside: bool = False) -> None:
        """Open the file anew, or one ``beside`` it, and bring all into it that was received so far.

        The entries are made anew, as for any scan that is resumed, and get everything again: the points from
        ``history``, those that Redis has no more from the earlier entries, and those that were not committed.
        Raises what ``open`` and ``flush`` raise, FileBroken among them, and what ``history`` does.
        """
        file = self._file
        assert file is not None
        if self._finishing and file.is_saved():
            file.revoke("the disk may not have its status")
        file.lost.clear()
        self._channels.clear()
        self.open(beside=beside)
        for item in self._story:
            self._take(item)
        self._channels.read_again(history, file, self._options.flush_bytes)
        file.take_over()
        for key, why in self._lost_before.items():
            file.lose(key, why)
        self.flush()

    def _decode_info(self, info: RawInfo) -> dict[str, object]:
        return self._options.paths.apply_to_scan_info(self._infos.decode(info))

    # -- the end --

    def follow_cameras(self) -> tuple[float, int]:
        """When the scan has ended: go on with the frames of its cameras. How long it may still wait for what
        they have yet to write, in seconds, and how many frames there are; (0, 0) when there is nothing to do.
        """
        file = self._file
        if file is None or self._ended is None or not file.cameras:
            return 0.0, 0
        self._cameras.refer(file, ended=True)
        file.commit(self._pause)
        return file.cameras.patience_s(), sum(file.cameras.points.values())

    @property
    def has_ended(self) -> bool:
        """Whether the end of the scan was received."""
        return self._ended is not None

    def abandon(self, why: str) -> None:
        """The file is another writer's: let go of it, without another write."""
        file, self._file = self._file, None
        if file is not None:
            file.abandon(why)

    def finish(
        self,
        failure: str | None,
        *,
        flush: bool = True,
        may_go_on: bool = False,
        sync: Callable[[Iterable[Sync]], None] = carry_out,
    ) -> str | None:
        """Complete the file, whatever happened; why the writing failed, None when it did not.

        ``failure`` says why the scan could not be followed to its end; without ``flush`` pending points are
        dropped. A scan that ``may_go_on`` is gone on with when it is opened again. ``sync`` waits for
        the disk while other scans go on. The last points share a flush with all that only the end knows.
        Raises FileBroken: then ``reopen`` it and try again, or ``give_back`` and try again without a flush.
        """
        file = self._file
        if file is None:
            return failure
        self._finishing = True
        try:
            if flush:
                self._append(file)
                self._lost_before = dict(file.lost)
        except FileBroken:
            raise
        except Hdf5Error as error:
            failure = failure or str(error)
        complete = partial(file.finish, may_go_on=may_go_on, sync=sync, pause=self._pause)
        if self._ended is None:
            failure = failure or "the writer was stopped before the scan ended"
            failure = complete(None, "", failure)
        else:
            info = self._decode_info(self._ended.info)
            self.scan_end_time = _timestamp(info.get("end_timestamp"))
            failure = complete(info, self._ended.exception, failure)
        self._pending.clear()
        self.completed |= file.completed
        self.progress = progress_of(self.scan, file)
        self._file = None
        return failure

    def forget(self) -> None:
        """It is done with: keep what clients ask for, and nothing that grows with the scan."""
        self.scan = self._ended = None
        self._story = []
        self._pending.clear()
        self._channels = ChannelFeeds()
        self._cameras = CameraFeeds(self._options.paths)


def _timestamp(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
