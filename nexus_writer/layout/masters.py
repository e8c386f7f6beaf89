"""Links to scans from the master files of their collection and proposal.

A master is shared by all datasets, sessions and writers of a proposal. It is opened for the moment of a link
only, and one that is locked, missing or damaged never hinders a scan: its links wait, and are tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from nexus_writer.hdf5 import FileDamaged, OpenFiles, look_into
from nexus_writer.model import Scan
from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME, entry_name
from nexus_writer.model.location import data_file

from .entry_links import (
    EntryLink,
    are_made,
    is_same_file,
    links_from,
    make_links,
    target_from,
    unique_name,
)
from .holder import is_side_file
from .side_links import RETRY_EVERY_S, SideLinks

DATASET_LEVEL = "dataset"
MOST_WAITING = 10_000
"""Links; beyond, the oldest are given up, and what nobody has asked for is forgotten."""


def master_links(
    scan: Scan, template: str = DEFAULT_ENTRY_NAME, holder: Path | None = None
) -> list[EntryLink]:
    """One for each master file and subscan; none in the file that holds the entries itself.

    A link is called as the entry in the file of the dataset, elsewhere ``<file>_<entry>``. With a file for
    each scan that is ``bliss_master_1.1`` in every dataset: where another dataset has the name already, the
    link is named after its own dataset, ``sample_0001_1.1``, or else after the whole path. ``holder`` is the
    file that holds the entries where it is not the scan's own; one that is linked there later on does not
    change the name, and a link to the scan's own file is as good.
    """
    holder = holder or data_file(scan)
    if holder is None:
        return []
    links = []
    own = data_file(scan) or holder
    stem = own.stem if is_side_file(holder, own) else holder.stem
    for level, text in scan.masters.items():
        master = Path(text)
        if level == DATASET_LEVEL:
            links += links_from(master, scan, template, holder)
        elif not is_same_file(master, holder):
            target = target_from(master, holder)
            or_target = target_from(master, own) if stem != holder.stem else ""
            for subscan in scan.subscans:
                entry = entry_name(scan, subscan, template)
                stems = dict.fromkeys((stem, Path(scan.filename).stem))
                names = (*(f"{one}_{entry}" for one in stems), unique_name(target, entry))
                links.append(EntryLink(master, names, target, entry, or_target))
    return links


class Masters:
    """The links that wait to be made, of all scans of a process. Writer thread only; never raises.

    What is in the way of a link is told in one line each. ``sides`` are the links to entries in side files.
    """

    def __init__(self, files: OpenFiles, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._files = files
        self._clock_s = clock_s
        self._waiting: dict[EntryLink, Mapping[str, str]] = {}
        self._impossible: dict[EntryLink, str] = {}
        self._failing: dict[Path, str] = {}
        self._retry_at_s = 0.0
        self.sides = SideLinks(files, clock_s)

    def __len__(self) -> int:
        return len(self._waiting) + len(self.sides)

    def link(self, links: Sequence[EntryLink], root_attributes: Mapping[str, str]) -> list[str]:
        """Make links; what makes some impossible. A master that cannot be opened now is tried again later.

        ``root_attributes`` are for a master that is new.
        """
        self._waiting |= dict.fromkeys(links, root_attributes)
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        for master in _masters(links):
            self._try(master)
        return self._told(links)

    def complete(self, links: Sequence[EntryLink], root_attributes: Mapping[str, str]) -> None:
        """Make those links that are not there, of a scan that was saved before: a look costs less."""
        for master in _masters(links):
            lacking = [link for link in links if link.file == master]
            try:
                made = look_into(self._files, master, lambda root, its=lacking: are_made(root, its))  # type: ignore[misc]
            except FileDamaged:
                made = False
            if not made:
                self.link(lacking, root_attributes)

    def retry(self, links: Sequence[EntryLink] = (), *, at_once: bool = False) -> list[str]:
        """Try what waits, of any scan; what is in the way of ``links``.

        Nothing is tried more often than every ``RETRY_EVERY_S``, unless ``links`` are to be ``at_once``.
        """
        self.sides.retry()
        if at_once:
            due = _masters(link for link in links if link in self._waiting)
        else:
            due = _masters(self._waiting) if self._clock_s() >= self._retry_at_s else []
        for master in due:
            why = self._try(master)
            if why:
                self._failing[master] = f"the scan is not linked in {master}, which is tried again: {why}"
        failing = _masters(link for link in links if link in self._waiting)
        return self._told(links) + [self._failing[master] for master in failing if master in self._failing]

    def _told(self, links: Sequence[EntryLink]) -> list[str]:
        return [self._impossible.pop(link) for link in links if link in self._impossible]

    def _try(self, master: Path) -> str:
        """Make all links that wait for a master; why it cannot be opened, "" when it can."""
        links = [link for link in self._waiting if link.file == master]
        self._retry_at_s = self._clock_s() + RETRY_EVERY_S
        try:
            impossible = self._link_in(master, links)
        except Exception as error:
            return " ".join(str(error).split()) or type(error).__name__
        self._failing.pop(master, None)
        for link in links:
            del self._waiting[link]
        self._impossible |= impossible
        while len(self._impossible) > MOST_WAITING:
            del self._impossible[next(iter(self._impossible))]
        return ""

    def _link_in(self, master: Path, links: Sequence[EntryLink]) -> dict[EntryLink, str]:
        file = self._files.acquire(master, self._waiting[links[0]])
        try:
            impossible = make_links(file.root, links)
            file.flush()
        finally:
            self._files.release(file)
        return impossible


def _masters(links: Iterable[EntryLink]) -> list[Path]:
    return list(dict.fromkeys(link.file for link in links))
