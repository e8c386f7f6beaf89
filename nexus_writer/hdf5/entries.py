"""What the writer's notes in a file say of its entries; run as a program, as JSON.

    python -m nexus_writer.hdf5.entries FILE

A process of its own, because HDF5 may crash on a damaged file. Only reads.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ._library import h5py
from .causes import cause_text
from .reading import names_in, open_live

PATIENCE_S = 3.0
_SHOWN = ("program", "host", "session", "scan", "start_time", "end_time", "status")


@dataclass(slots=True)
class EntryState:
    """``note`` are the texts of its writer, ``channels`` (name, committed points, rows in the file);
    ``unreadable`` are items that HDF5 cannot open, with the reason."""

    name: str
    note: dict[str, str] = field(default_factory=dict)
    channels: list[tuple[str, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    datasets: int = 0


def entry_states(path: Path) -> list[EntryState]:
    """Of each entry that lies in the file itself. Raises Unreadable, FileNotFoundError."""
    with open_live(path, patience_s=PATIENCE_S) as file:
        names: list[str] = file.read(_own_entries)
        return [file.read(lambda plain, name=name: _state(plain, name)) for name in names]  # type: ignore[misc]


def external_links(file: Any) -> dict[str, tuple[str, str]]:
    """File and path of the links in the root of an open h5py.File that lead to other files, by name."""
    links = {name: file.get(name, getlink=True) for name in names_in(file)}
    return {
        name: (link.filename, link.path)
        for name, link in links.items()
        if isinstance(link, h5py.ExternalLink)
    }


def _own_entries(file: Any) -> list[str]:
    names = [
        name for name in names_in(file) if file.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD
    ]
    return sorted(names, key=lambda name: [int(part) if part.isdigit() else 0 for part in name.split(".")])


def _state(file: Any, name: str) -> EntryState:
    state = EntryState(name)
    try:
        group = file[name]
    except (KeyError, OSError, RuntimeError) as error:
        state.unreadable.append(f"/{name}: {cause_text(error)}")
        return state
    _visit(group, f"/{name}", state)
    note = group.get("writer")
    if isinstance(note, h5py.Group):
        state.note = {text: note[text].asstr()[()] for text in _SHOWN if text in note}
        if "warnings" in note:
            state.warnings = note["warnings"].asstr()[()].tolist()
        if "points/committed" in note and "points/channel" in note:
            names = note["points/channel"].asstr()[()].tolist()
            committed = note["points/committed"][()].tolist()
            state.channels = list(zip(names, committed, strict=False))
    return state


def _visit(item: Any, path: str, state: EntryState) -> None:
    """Open everything below, so that what is damaged shows."""
    if isinstance(item, h5py.Dataset):
        state.datasets += 1
        if item.shape and item.size and not item.is_virtual and not item.external:
            item[tuple(length - 1 for length in item.shape)]
        return
    for name in names_in(item):
        below = f"{path}/{name}"
        try:
            if item.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD:
                _visit(item[name], below, state)
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            state.unreadable.append(f"{below}: {cause_text(error)}")


def main() -> None:
    """Print entries and links of the file on the command line, or what is wrong with it."""
    try:
        path = Path(sys.argv[1])
        report: dict[str, Any] = {"entries": [asdict(state) for state in entry_states(path)]}
        with open_live(path, patience_s=PATIENCE_S) as file:
            report["links"] = file.read(external_links)
    except Exception as error:
        report = {"why": getattr(error, "why", None) or cause_text(error)}
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
