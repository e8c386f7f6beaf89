"""Where the scans of a file are: in itself, or beside it, see :mod:`nexus_writer.layout.holder`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from nexus_writer.hdf5 import open_live
from nexus_writer.hdf5.entries import external_links
from nexus_writer.hdf5.verification import own_entry_names
from nexus_writer.layout.holder import side_files

from .errors import CommandError
from .file_target import FileTarget

Links = Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Entries of a file, and in a side file what ties each of them to the file that it belongs to."""

    path: Path
    names: tuple[str, ...]
    ties: Mapping[str, str]


def tie(own: Path, side: Path, name: str, entries: Collection[str], links: Links) -> str:
    """Whether an entry in a side file is linked in its own file, that has ``entries`` and ``links``."""
    if links.get(name) == (side.name, f"/{name}"):
        return f"linked in {own.name}"
    if name in entries or name in links:
        return f"not linked in {own.name}, where something else has its name"
    return f"waits to be linked in {own.name}"


def places_of(target: FileTarget) -> list[Place]:
    """Where its entries are, or the one that it names. Raises CommandError when that is nowhere, Unreadable,
    FileNotFoundError."""
    with open_live(target.path) as file:
        entries = file.read(own_entry_names)
        links = file.read(external_links)
    places = [Place(target.path, tuple(entries), {})]
    for side in side_files(target.path):
        with open_live(side) as file:
            names = file.read(own_entry_names)
        ties = {name: tie(target.path, side, name, entries, links) for name in names}
        places.append(Place(side, tuple(names), ties))
    wanted = target.item.strip("/")
    if not wanted:
        return places
    found = [Place(one.path, (wanted,), one.ties) for one in places if wanted in one.names]
    if not found:
        raise CommandError(f"{target.path} has no entry {wanted}: it has {', '.join(entries[-5:]) or 'none'}")
    return found
