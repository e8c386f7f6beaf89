"""Items of a file that may be damaged: what is there and cannot be read is told from what is not there."""

from __future__ import annotations

from typing import Any

from ._guard import guarded
from ._library import h5py
from .causes import cause_text
from .errors import ItemDamaged
from .items import Kind, file_name, kind_of, path_of

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError)


@guarded
def item_in(group: Any, name: str) -> Any:
    """What is directly in ``group``, and no link; None where there is nothing. Raises ItemDamaged."""
    try:
        item = _opened(group.id, name)
        return None if item is None else h5py.Group(item) if _is_group(item) else h5py.Dataset(item)
    except _DAMAGE as error:
        why = cause_text(error)
    raise ItemDamaged(file_name(group.id), path_of(group.id, name), why)


@guarded
def names_in_group(group: Any) -> set[str] | None:
    """None for what is no group. Raises ItemDamaged."""
    try:
        return set(group) if isinstance(group, h5py.Group) else None
    except _DAMAGE as error:
        why = cause_text(error)
    raise ItemDamaged(file_name(group.id), path_of(group.id), why)


@guarded
def text_at(group: Any, path: str) -> str | None:
    """A scalar text below ``group``; None where there is none. Raises ItemDamaged."""
    item, value = group.id, None
    try:
        for part in path.split("/"):
            item = _opened(item, part) if _is_group(item) else None
        if isinstance(item, h5py.h5d.DatasetID):
            value = h5py.Dataset(item)[()]
    except _DAMAGE as error:
        why = cause_text(error)
    else:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else None
    raise ItemDamaged(file_name(group.id), path_of(group.id, path), why)


def _opened(group: Any, name: str) -> Any:
    encoded = name.encode()
    if kind_of(group, encoded) in (Kind.NOTHING, Kind.LINK):
        return None
    return h5py.h5o.open(group, encoded)


def _is_group(item: Any) -> bool:
    return isinstance(item, h5py.h5g.GroupID)
