"""What a name in a group is, without following it: another file is never opened for that."""

from __future__ import annotations

import os
from typing import Any

from ._guard import guarded
from ._library import h5py
from .items import Kind, kind_of
from .reading import names_in


@guarded
def has_item(group: Any, name: str) -> bool:
    """Whether the name is taken directly in ``group``, be it by a link that leads nowhere."""
    return bool(group.id.links.exists(name.encode()))


@guarded
def has_own(group: Any, name: str) -> bool:
    """Whether the name stands for something in the file itself, and not for a link."""
    encoded = name.encode()
    links = group.id.links
    return bool(links.exists(encoded)) and links.get_info(encoded).type == h5py.h5l.TYPE_HARD


@guarded
def external_target(group: Any, name: str) -> tuple[str, str] | None:
    """File, as the link has it (relative to that of ``group``), and path; None for anything but a link."""
    encoded = name.encode()
    if kind_of(group.id, encoded) is not Kind.LINK:
        return None
    if group.id.links.get_info(encoded).type != h5py.h5l.TYPE_EXTERNAL:
        return None
    file, path = group.id.links.get_val(encoded)
    return os.fsdecode(file), path.decode()


@guarded
def rename_link(group: Any, name: str, new_name: str) -> None:
    """Give an item, be it a link, a free name in the same group."""
    group.id.links.move(name.encode(), group.id, new_name.encode())


@guarded
def own_addresses(group: Any) -> dict[str, int]:
    """Where in the file lies what is directly in ``group``, by name; links are left out."""
    links, found = group.id.links, {}
    for name in names_in(group):
        info = links.get_info(name.encode())
        if info.type == h5py.h5l.TYPE_HARD:
            found[name] = info.u
    return found
