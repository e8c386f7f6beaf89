"""The links that lead to one scan: from its masters, from its own file to a side file, from a sequence."""

from __future__ import annotations

from pathlib import Path

from nexus_writer.hdf5 import FileBroken, LiveFile
from nexus_writer.model import Scan

from .entry_links import EntryLink, links_from, make_links
from .masters import Masters, master_links
from .root_attributes import root_attributes
from .scan_warnings import ScanWarnings


class ScanLinks:
    """A link that cannot be made costs the scan a warning, nothing else. Writer thread only.

    ``own`` is always the scan's own file, and ``holder`` the one that has its entries: that, or another one
    beside it.
    """

    def __init__(self, scan: Scan, entry_name: str, masters: Masters, warnings: ScanWarnings) -> None:
        self._scan = scan
        self._entry_name = entry_name
        self._masters = masters
        self._warnings = warnings
        self._links: list[EntryLink] = []

    def make(self, own: Path, holder: Path) -> None:
        """The entries are there: lead to them. What is in the way of a link is tried again by ``retry``."""
        self.link_sides(own)
        self._links = master_links(self._scan, self._entry_name, holder)
        self._warnings.add_all(self._masters.link(self._links, root_attributes(self._scan)))

    def complete(self, own: Path, holder: Path) -> None:
        """Make those that lack, of a scan that was saved before."""
        self.link_sides(own)
        links = master_links(self._scan, self._entry_name, holder)
        self._masters.complete(links, root_attributes(self._scan))

    def link_sides(self, own: Path) -> None:
        """``own`` is free: link what lies beside it."""
        self._masters.sides.link(own)

    def retry(self, *, at_once: bool = False) -> None:
        """Those that wait, now and then; at the end of the scan ``at_once``."""
        self._warnings.add_all(self._masters.retry(self._links, at_once=at_once))

    def refer_to(self, part: Scan, file: LiveFile) -> None:
        """In the file of this scan, a sequence or a group: links to a ``part`` of it that lies in another
        file. Raises FileBroken."""
        try:
            links = links_from(file.path, part, self._entry_name)
            self._warnings.add_all(make_links(file.root, links).values())
        except FileBroken:
            raise
        except Exception as error:
            self._warnings.add(f"{part.name} is not linked: {type(error).__name__}: {error}")
