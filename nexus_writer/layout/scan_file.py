"""One scan in its file, from its first sign to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import FileBroken, LiveFile, OpenFiles, Sync, carry_out
from nexus_writer.model import Block, ChannelDescription, Ending, Scan
from nexus_writer.model.entry_names import entry_names
from nexus_writer.model.location import data_file, entry_uris

from .cameras import Cameras
from .earlier_entries import EarlierEntries
from .errors import NoFilename
from .holder import ScanHolders
from .masters import Masters
from .options import LayoutOptions
from .root_attributes import root_attributes
from .scan_channels import ScanChannels
from .scan_end import ScanEnd, revoke
from .scan_entries import ScanEntries
from .scan_links import ScanLinks
from .scan_warnings import ScanWarnings


class ScanFile:
    """The entries of a scan, one per subscan, in a file that other scans may share. Writer thread only.

    In this order: ``create``; then ``add_channel``, ``append``, ``prepare``, ``commit``, ``warn`` as things
    happen; ``finish``. A channel whose points cannot be written is given up, with a warning and an entry in
    ``lost``, and the others go on. FileBroken may come from any of them: then nothing more can be saved, and
    ``finish`` gives the file back. ``cameras`` takes what cameras say, behind their ``add_camera``.
    """

    uris: list[str]
    """``file::/N.i`` of each subscan; none when the scan has no file name."""
    resumed: bool
    """An earlier writing of the scan was found in the file, and is gone on with."""
    completed: bool
    """``finish`` did all that it does."""

    def __init__(
        self, scan: Scan, files: OpenFiles, options: LayoutOptions, masters: Masters | None = None
    ) -> None:
        """``masters`` are shared by all scans that use ``files``, so that links made late are made at all."""
        self.uris = entry_uris(scan, options.entry_name)
        self.resumed = False
        self.completed = False
        self._scan = scan.without_config() if options.noconfig else scan
        self._options = options
        self._files = files
        self._warnings = ScanWarnings()
        path = data_file(self._scan)
        names = entry_names(self._scan, options.entry_name)
        self._holders = None if path is None else ScanHolders(files, path, self._scan, names)
        self._file: LiveFile | None = None
        self._holder: Path | None = None
        self._entries: ScanEntries | None = None
        # not by methods of this object: such a circle keeps what HDF5 has open until garbage is collected
        self._channels = ScanChannels(scan.key, self._warnings.add)
        self.cameras = Cameras(self._channels.lose)
        masters = Masters(files) if masters is None else masters
        self._links = ScanLinks(self._scan, options.entry_name, masters, self._warnings)

    @property
    def lost(self) -> dict[str, str]:
        """Why a channel's points are not all in the file, by channel key."""
        return self._channels.lost

    @property
    def points(self) -> dict[str, int]:
        """Points in the file, by channel key."""
        return self._channels.points

    @property
    def warnings(self) -> list[str]:
        """All that were told to ``warn``, each once."""
        return self._warnings.texts

    @property
    def bytes_written(self) -> int:
        return self._channels.bytes_written

    def is_saved(self) -> bool:
        """Whether the file has the scan, complete or being written by this process, or refuses it."""
        return self._holders is not None and self._holders.is_saved()

    def link(self) -> None:
        """Make the links to a scan that was saved before, where its writer could not."""
        if self._holders is not None and (holder := self._holders.find()) is not None:
            self._links.complete(self._holders.path, holder)

    def create(self, *, beside: bool = False, take_over: bool = False) -> None:
        """Make the entries and what is known before the first point. May be called again after an error.

        Entries of the same scan that are not complete are gone on with. A file that is locked is passed by
        where the scan may be ``beside`` it, see ``ScanHolders``. Raises NoFilename, EntryExists
        (nothing was touched; ScanSavedElsewhere when it is this very scan), FileLocked, FileNotWritable,
        FileBroken.
        """
        if self._holders is None:
            raise NoFilename(self._scan.name)
        holder = self._holders.acquire(root_attributes(self._scan), beside=beside, take_over=take_over)
        self._file, self._holder = holder.file, holder.path
        self.uris = entry_uris(self._scan, self._options.entry_name, holder.path)
        self._begin_entries(holder.file)
        for problem in self._scan.problems:
            self.warn(f"scan info: {problem}")
        self._warnings.add_all(filter(None, [holder.remark]))
        self._links.make(self._holders.path, holder.path)

    def _begin_entries(self, file: LiveFile) -> None:
        try:
            self._entries = ScanEntries(file, self._scan, self._options, self._warnings.add)
            self._channels.open(self._entries)
            self.resumed = self._entries.resumed
            self._warnings.keep_in(self._entries)
            self._entries.set_default()
            file.flush()
        except BaseException:
            self._close()
            raise

    def add_channel(self, channel: ChannelDescription) -> None:
        """Make the place of a channel, before its first point."""
        self._channels.add(channel)

    def add_camera(self, channel: ChannelDescription) -> None:
        """Make the place of a camera, before it says where it saves."""
        camera = self._channels.add_camera(channel)
        if camera is not None:
            self.cameras.add(channel.key, camera)

    def pass_over(self, key: str, name: str) -> None:
        """A channel of the scan has appeared whose points are nothing to save here."""
        self._channels.pass_over(key, name)

    def prepare(self, info: Mapping[str, Any]) -> None:
        """The scan is prepared: metadata, and the status RUNNING."""
        scan = self._updated(info)
        for entry in self._entries or ():
            entry.prepare(scan)

    def append(self, blocks: Mapping[str, Sequence[Block]]) -> None:
        """Write points, by channel key."""
        self._channels.append(blocks)

    def lose(self, key: str, why: str) -> None:
        """Give a channel up: ``why`` is warned of, and the writing ends FAILED."""
        self._channels.lose(key, why)

    def warn(self, text: str) -> None:
        """Keep a warning, in the file too; none is kept twice, nor more than ``MOST_WARNINGS``."""
        self._warnings.add(text)

    def commit(self, pause: Callable[[], None] | None = None) -> None:
        """Let readers see what was written, and others go on in each ``pause`` while chunks are compressed.

        Raises FileBroken, and what ``pause`` does.
        """
        file, entries = self._file, self._entries
        if file is None or entries is None:
            return
        self.cameras.update()
        self.points.update(self.cameras.points)
        if pause is not None:
            file.jobs.wait(pause)
        for entry in entries:
            entry.stage()
        file.flush()
        if self.cameras.publish() | entries.publish():
            file.flush()
        if entries.earlier is not None and entries.earlier.are_in(self._channels.by_key):
            entries.remove_earlier()
        self._links.retry()

    def check(self) -> None:
        """Raises FileBroken when a write failed, of this scan or another one in its file."""
        if self._file is not None:
            self._file.check()

    def begin_sync(self, after_s: float) -> Sync | None:
        """Bring what was flushed to the disk, when ``after_s`` are over since the last time."""
        return None if self._file is None else self._file.begin_sync(after_s)

    def give_back(self) -> None:
        """After FileBroken: give the file back without another write. ``create`` goes on with what it has."""
        with suppress(FileBroken):
            self._close()

    def take_over(self) -> None:
        """Redis has no more of what was before: bring over what only an earlier writing has, and warn of
        what of that cannot be read."""
        entries = self._entries
        if entries is None:
            return
        bring = partial(
            EarlierEntries.bring_all_over,
            channels=self._channels.by_key,
            add=self.add_channel,
            append=self.append,
        )
        if self._holders is not None and self._holder is not None:
            self._holders.bring_over(self._holder, bring, self.warn)
        if entries.earlier is not None and (left := bring(entries.earlier)):
            self.warn(left)
            entries.earlier = None

    def refer_to(self, scan: Scan) -> None:
        """This one is a sequence, or a group, of which ``scan`` is a part: link what lies in another file."""
        if self._file is not None:
            self._links.refer_to(scan, self._file)

    def finish(
        self,
        info: Mapping[str, Any] | None,
        exception: str,
        failed: str | None,
        *,
        may_go_on: bool = False,
        sync: Callable[[Iterable[Sync]], None] = carry_out,
        pause: Callable[[], None] | None = None,
    ) -> str | None:
        """Complete the entries and give the file back, whatever happens; why the writing failed, or None.

        ``info`` and ``exception`` are those of the scan's end, None and "" when it was not seen; ``failed``
        says why the writing failed where that is known outside. An entry that ``may_go_on`` is one that a
        later ``create`` goes on with. ``sync`` waits for the disk where other scans are to go on meanwhile,
        ``pause`` for a moment; either may ``abandon`` the file, and raises then. Writes nothing without one.

        The file is closed before the disk has the status. Where that fails, FileBroken is raised and
        ``is_saved`` is true: ``revoke`` the status, then ``create`` goes on with the scan.
        """
        file, entries = self._file, self._entries
        if file is None or entries is None:
            return self._failure(failed)
        end = ScanEnd(
            file, entries, self._channels, self.cameras, self._warnings, self._links, failed, sync, pause
        )
        last: Sync | None = None
        try:
            end.gather(self.take_over, may_go_on=may_go_on)
            scan = self._scan if info is None else self._updated(info)
            last = end.complete(scan, Ending.from_info(info or {}, None if info is None else exception))
        finally:
            try:
                self._give_back()
            finally:
                if last is not None:
                    sync([last])
        if last is not None and (why := last.run()):
            raise FileBroken(file.path, why)
        self.completed = True
        return self._failure(failed)

    def _give_back(self) -> None:
        is_abandoned = self._file is None
        self._close()
        if not is_abandoned and self._holders is not None:
            self._links.link_sides(self._holders.path)

    def revoke(self, why: str) -> None:
        """The disk may not have the status that ``finish`` has set: the entries are not complete, so that
        ``create`` goes on with them. Raises what ``OpenFiles.acquire`` does, FileBroken."""
        if self._holders is not None:
            revoke(self._holders, root_attributes(self._scan), why)

    def _failure(self, failed: str | None) -> str | None:
        return failed or "; ".join(self.lost.values()) or None

    def abandon(self, why: str) -> None:
        """Another process goes on with the scan: give the file back, and write nothing more to it."""
        if self._file is not None:
            self._file.poison(why)
            self._close()

    def _updated(self, info: Mapping[str, Any]) -> Scan:
        scan = self._scan.updated(info)
        return scan.without_config() if self._options.noconfig else scan

    def _close(self) -> None:
        file, self._file = self._file, None
        entries, self._entries = self._entries, None
        self._warnings.close()
        if entries is not None:
            entries.close()
        try:
            if file is not None:
                self._files.release(file)
        finally:  # to let go of a thousand datasets takes 10 ms: others may open the file before that
            self._channels.close()
            self.cameras.clear()
