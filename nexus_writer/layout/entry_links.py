"""Links from one file to entries in another: of a master to its scans, of a sequence to its own."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexus_writer.hdf5 import EntryExists, external_link, external_target, has_item, rename_link
from nexus_writer.model import Scan
from nexus_writer.model.entry_names import DEFAULT_ENTRY_NAME, entry_name
from nexus_writer.model.location import data_file


@dataclass(frozen=True, slots=True)
class EntryLink:
    """The first free one of ``names``, in the root of ``file``, is to lead to ``entry`` of ``target``, a path
    relative to the directory of ``file``. One that leads to ``or_target`` is as good."""

    file: Path
    names: tuple[str, ...]
    target: str
    entry: str
    or_target: str = ""

    def is_made_by(self, found: tuple[str, str] | None) -> bool:
        """Whether a link to ``found``, file and path, is the one."""
        return found in [(target, f"/{self.entry}") for target in (self.target, self.or_target)]


def links_from(
    file: Path, scan: Scan, template: str = DEFAULT_ENTRY_NAME, holder: Path | None = None
) -> list[EntryLink]:
    """To each entry of ``scan``, under its own name; none where they are in ``file`` itself, or nowhere.

    ``holder`` is the file that holds the entries where it is not the scan's own.
    """
    holder = holder or data_file(scan)
    if holder is None or is_same_file(file, holder):
        return []
    entries = [entry_name(scan, subscan, template) for subscan in scan.subscans]
    return [EntryLink(file, (entry,), target_from(file, holder), entry) for entry in entries]


def make_links(root: Any, links: Sequence[EntryLink]) -> dict[EntryLink, str]:
    """Make those that are not there yet; what is in the way of the others, one line each."""
    problems = {}
    for link in links:
        for name in link.names:
            if not has_item(root, name):
                external_link(root, name, link.target, f"/{link.entry}")
            elif not link.is_made_by(external_target(root, name)):
                continue
            break
        else:
            problems[link] = (
                f"{link.entry} of {link.target} is not linked in {link.file}: something else is "
                f"{link.names[-1]} there"
            )
    return problems


def are_made(root: Any, links: Sequence[EntryLink]) -> bool:
    """Whether all these links are there."""
    return all(any(link.is_made_by(external_target(root, name)) for name in link.names) for link in links)


def make_room(root: Any, entry: str) -> str:
    """Rename a link that has the name of an entry to come; what was done, "" when nothing was there.

    A sequence links scans of other datasets in its own file by the names they have there; a later scan of
    this dataset may have the same number. Raises EntryExists for what is no link to another file.
    """
    if not has_item(root, entry):
        return ""
    found = external_target(root, entry)
    if found is None:
        raise EntryExists(root.file.filename, entry)
    new_name = unique_name(*found)
    if has_item(root, new_name):
        raise EntryExists(root.file.filename, entry)
    rename_link(root, entry, new_name)
    return f"{entry} was a link to {found[0]}, it is {new_name} now"


def target_from(file: Path, holder: Path) -> str:
    """The path of ``holder`` as a link in ``file`` has it."""
    return os.path.relpath(holder, file.parent)


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file, existing or not."""
    if one == other:
        return True
    found = [_identity(one), _identity(other)]
    if found == [None, None]:
        return os.path.realpath(one) == os.path.realpath(other)
    return found[0] == found[1]


def _identity(path: Path) -> tuple[int, int] | None:
    """Of what is there, links followed; None where nothing is."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def unique_name(target: str, entry: str) -> str:
    """A name that no other target of the same file has: ``sample_sample_0001_scan0001_bliss_master_1.1``."""
    stem = str(Path(target).with_suffix(""))
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', stem).strip('_')}_{entry.strip('/')}"
