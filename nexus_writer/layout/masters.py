"""Links to the scan from the master files of its collection and proposal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nexus_writer.hdf5 import Hdf5Error, OpenFiles, external_link
from nexus_writer.model import Scan

from .entry_names import DEFAULT_ENTRY_NAME, entry_name
from .location import data_file

DATASET_LEVEL = "dataset"


@dataclass(frozen=True, slots=True)
class MasterLink:
    """``name`` in the root of ``master`` leads to ``entry`` of ``target``, a path relative to the master."""

    master: Path
    name: str
    target: str
    entry: str


def master_links(scan: Scan, template: str = DEFAULT_ENTRY_NAME) -> list[MasterLink]:
    """One for each master file and subscan; none in the file that holds the entries itself."""
    holder = data_file(scan)
    if holder is None:
        return []
    links = []
    for level, text in scan.masters.items():
        master = Path(text)
        if master == holder:
            continue
        target = os.path.relpath(holder, master.parent)
        for subscan in scan.subscans:
            entry = entry_name(scan, subscan, template)
            name = entry if level == DATASET_LEVEL else f"{holder.stem}_{entry}"
            links.append(MasterLink(master, name, target, entry))
    return links


def write_master_links(
    links: list[MasterLink], files: OpenFiles, root_attributes: Mapping[str, str]
) -> dict[Path, str]:
    """Make the links that are not there yet; why it did not work, by master. What exists is left alone."""
    failed = {}
    for master in dict.fromkeys(link.master for link in links):
        try:
            _link_in(master, [link for link in links if link.master == master], files, root_attributes)
        except Hdf5Error as error:
            failed[master] = str(error)
    return failed


def _link_in(
    master: Path, links: list[MasterLink], files: OpenFiles, root_attributes: Mapping[str, str]
) -> None:
    file = files.acquire(master, root_attributes)
    try:
        for link in links:
            if link.name not in file.root:
                external_link(file.root, link.name, link.target, f"/{link.entry}")
        file.flush()
    finally:
        files.release(file)
