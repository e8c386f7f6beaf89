"""The entries of one scan, one per subscan, in their file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from nexus_writer.hdf5 import EntryExists, FileBroken, LiveFile, has_item, set_attributes
from nexus_writer.model import Ending, Scan
from nexus_writer.model.entry_names import entry_names

from .chunk_options import chunk_options
from .earlier_entries import EarlierEntries
from .entry import Entry
from .entry_links import make_room
from .errors import ScanSavedElsewhere
from .options import LayoutOptions
from .writer_note import Status, writer_of


class ScanEntries:
    """All entries of a scan, made at once: all of them or none.

    What an earlier writing left of them is ``earlier`` and is gone on with. Raises EntryExists before
    anything was touched, ScanSavedElsewhere when what exists is this very scan; FileBroken.
    """

    earlier: EarlierEntries | None
    """None as soon as nothing of it is needed any more."""
    resumed: bool
    """There was something earlier."""

    def __init__(
        self, file: LiveFile, scan: Scan, options: LayoutOptions, warn: Callable[[str], None]
    ) -> None:
        """``warn`` may be called while the entries are made, before they can keep what it is told."""
        self._file = file
        self._warn = warn
        self._names = entry_names(scan, options.entry_name)
        self._subscan_of = scan.subscan_of
        self._entries: dict[str, Entry] = {}
        earlier = EarlierEntries(file.root, warn)
        self._make_room(scan, earlier)
        try:
            self._make(scan, options)
        except BaseException:
            self.close()
            raise
        file.entries.update(self._names)
        self.resumed = bool(earlier)
        self.earlier = earlier if earlier else None
        for entry in self if self.resumed else ():
            entry.note.set_resumed()

    def __iter__(self) -> Iterator[Entry]:
        """In the order of the subscans."""
        return iter(self._entries.values())

    def of_channel(self, key: str) -> Entry:
        """The entry of the subscan that a channel key is part of."""
        return self._entries[self._subscan_of(key).name]

    def publish(self) -> bool:
        """Show what was staged before the last flush; whether there was anything."""
        shown = any(entry.plots.shown for entry in self)
        published = [entry.publish() for entry in self]
        if not shown and any(entry.plots.shown for entry in self):
            self.set_default()
        return any(published)

    def set_default(self) -> None:
        """The root shows the scan that was created, got a plot or was finished last: the first of its
        subscans that has a plot, without any the first one."""
        entries = list(self)
        shown = next((entry for entry in entries if entry.plots.shown), entries[0])
        if self._file.shown != shown.name:
            set_attributes(self._file.root, {"default": shown.name})
            self._file.shown = shown.name

    def remove_earlier(self) -> None:
        """All that the earlier entries have is committed in these."""
        earlier, self.earlier = self.earlier, None
        if earlier is not None:
            earlier.remove()
            self._file.flush()

    def finish(self, scan: Scan, ending: Ending) -> None:
        """The scan has ended: everything but the status, which is for when that was flushed."""
        for entry in self:
            entry.finish(scan, ending)

    def set_unfinished(self, why: str) -> None:
        """The writing ends before the scan does, and may go on later."""
        for entry in self:
            entry.note.set_unfinished(why)

    def set_status(self, status: Status) -> None:
        for entry in self:
            entry.note.set_status(status)

    def close(self) -> None:
        """The file is being closed: hold nothing of it any more."""
        self._file.entries.difference_update(entry.name for entry in self)
        for entry in self:
            entry.close()
        self._entries.clear()
        self.earlier = None

    def _make_room(self, scan: Scan, earlier: EarlierEntries) -> None:
        root = self._file.root
        try:
            earlier.set_aside(scan, self._names, self._file.entries)
            for warning in filter(None, [make_room(root, name) for name in self._names]):
                self._warn(warning)
        except EntryExists as error:
            writer = writer_of(root.get(error.name), scan)
            if writer is not None:
                raise ScanSavedElsewhere(error.path, error.name, writer) from None
            raise

    def _make(self, scan: Scan, options: LayoutOptions) -> None:
        root = self._file.root
        chunking = chunk_options(scan.storage, options, self._warn)
        try:
            for subscan in scan.subscans:
                self._entries[subscan.name] = Entry(root, scan, subscan, options, chunking, self._warn)
        except FileBroken:
            raise
        except Exception:
            for name in filter(partial(has_item, root), self._names):
                del root[name]
            raise
