"""The end of one scan in its file: in which order points, metadata and status get to the disk.

A status is final only when the disk has all that it is said of, so that a power failure never leaves an entry
that says more than there is. These follow each other:

1. what is still to come is brought into the entries, and what never came is told;
2. two flushes, of the points and then of their numbers; what an earlier writing left is needed no more;
3. ``fsync``, and a look whether it went well;
4. the status, and a flush of it;
5. the last ``fsync``, which is waited for when the file is closed already. Where it fails, ``revoke``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from nexus_writer.hdf5 import LiveFile, Sync, has_item, write_text
from nexus_writer.model import Ending, Scan

from .cameras import Cameras
from .holder import ScanHolders
from .scan_channels import ScanChannels
from .scan_entries import ScanEntries
from .scan_links import ScanLinks
from .scan_warnings import ScanWarnings
from .writer_note import UNFINISHED, Status


@dataclass(frozen=True, slots=True)
class ScanEnd:
    """``gather``, then ``complete``; whoever has the file open gives it back, whatever happens.

    ``failed`` says why the writing failed where that is known already. ``sync`` waits for the disk while
    other scans go on, ``pause`` for a moment. Raises FileBroken, and what ``sync`` and ``pause`` do.
    """

    file: LiveFile
    entries: ScanEntries
    channels: ScanChannels
    cameras: Cameras
    warnings: ScanWarnings
    links: ScanLinks
    failed: str | None
    sync: Callable[[Iterable[Sync]], None]
    pause: Callable[[], None] | None

    def gather(self, take_over: Callable[[], None], *, may_go_on: bool) -> None:
        """All points are there that will ever come, with those that ``take_over`` brings from an earlier
        writing: tell those that lack, and why the writing failed."""
        self._finish_cameras()
        if may_go_on:
            self.entries.set_unfinished(self.failed or "the scan had not ended")
        take_over()
        self.channels.tell_gaps()
        if self.failed and self.failed != "; ".join(self.channels.lost.values()):
            self.warnings.add(self.failed)

    def complete(self, scan: Scan, ending: Ending) -> Sync | None:
        """Everything of ``scan``, as it is at its end, and the status. What brings that to the disk, to be
        run when the file is closed; None when there is nothing to do."""
        self.entries.finish(scan, ending)
        if self.pause is not None:
            self.file.jobs.wait(self.pause)
        self._flush()
        self.sync(self.file.syncs())
        self.file.check()
        self._set_status()
        return self.file.begin_last_sync(self.sync)

    def _finish_cameras(self) -> None:
        """All frames are in the file before anything is said of its points."""
        if not self.cameras:
            return
        self.cameras.complete()
        self.file.flush()
        if self.cameras.publish():
            self.file.flush()
        self.channels.points.update(self.cameras.points)
        self.cameras.close()

    def _flush(self) -> None:
        """All but the status; then nothing is needed any more of what an earlier writing left."""
        self.file.flush()
        self.cameras.publish()
        self.entries.publish()
        self.file.flush()
        self.entries.remove_earlier()

    def _set_status(self) -> None:
        """The disk has all that it is said of."""
        self.entries.set_status(Status.FAILED if self.failed or self.channels.lost else Status.SUCCEEDED)
        self.entries.set_default()
        self.links.retry(at_once=True)
        self.file.flush()


def revoke(holders: ScanHolders, root_attributes: Mapping[str, str], why: str) -> None:
    """The disk may not have the status of a scan: its entries are not complete, and are gone on with.

    Raises what ``OpenFiles.acquire`` does, FileBroken.
    """
    holder = holders.find()
    if holder is None:
        return
    file = holders.files.acquire(holder, root_attributes)
    try:
        for name in filter(partial(has_item, file.root), holders.names):
            write_text(file.root[name], UNFINISHED, why)
        file.flush()
    finally:
        holders.files.release(file)
