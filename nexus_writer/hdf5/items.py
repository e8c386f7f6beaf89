"""Groups, datasets, attributes and names by HDF5's low-level calls: a scan has thousands of them.

Everything here takes and gives h5py's low-level identifiers, and raises within the package.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from ._text_attributes import new_text_attribute as new_text_attribute
from ._text_attributes import write_text_value
from .copied_group import CopiedGroup
from .errors import EntryExists
from .texts import TEXT, TEXT_IN_MEMORY
from .values import Unstorable, storable

DEFAULT_CLASS = "NXcollection"

_SCALAR = h5py.h5s.create(h5py.h5s.SCALAR)
_ALL = h5py.h5s.ALL

_COMPACT_NBYTES = 64
"""Of a value that lies in the header of its dataset: nothing else to write, read and copy (a group with two
texts is copied in 21 us instead of 58). Larger ones have a place of their own."""

# Times of creation and modification would change an object's header with every write.
_DATASET_CREATION = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
_DATASET_CREATION.set_obj_track_times(False)
_COMPACT_CREATION = _DATASET_CREATION.copy()
_COMPACT_CREATION.set_layout(h5py.h5d.COMPACT)
_GROUP_CREATION = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
_GROUP_CREATION.set_obj_track_times(False)


_LAYOUTS_OF_VALUES = (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)


class Kind(Enum):
    """What a name in a group stands for."""

    NOTHING = "nothing"
    GROUP = "a group"
    VALUE = "a value"
    POINTS = "a dataset of points"
    LINK = "a link"


def kind_of(group: Any, name: bytes) -> Kind:
    """What is directly in ``group`` under ``name``; links are not followed."""
    if not group.links.exists(name):
        return Kind.NOTHING
    if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
        return Kind.LINK
    item = h5py.h5o.open(group, name)
    if isinstance(item, h5py.h5g.GroupID):
        return Kind.GROUP
    if isinstance(item, h5py.h5d.DatasetID) and item.get_create_plist().get_layout() in _LAYOUTS_OF_VALUES:
        return Kind.VALUE
    return Kind.POINTS


def refuse_taken(parent: Any, name: bytes) -> None:
    """Raises EntryExists when the name is taken. Asked after a failure, not before each of thousands: that
    would take as long as half a link."""
    if parent.links.exists(name):
        raise EntryExists(file_name(parent), path_of(parent, name))


def new_group(parent: Any, name: bytes | None, nx_class: str) -> Any:
    """A group under a free name, or without any."""
    group = h5py.h5g.create(parent, name, gcpl=_GROUP_CREATION)
    new_text_attribute(group, b"NX_class", nx_class)
    return group


def required_group(parent: Any, name: bytes, nx_class: str) -> tuple[Any, bool]:
    """The group of that name, and whether it is new. Raises EntryExists when something else has the name."""
    kind = kind_of(parent, name)
    if kind is Kind.NOTHING:
        return new_group(parent, name, nx_class), True
    if kind is not Kind.GROUP:
        raise EntryExists(file_name(parent), path_of(parent, name))
    return h5py.h5g.open(parent, name), False


def place_of(group: Any, name: str) -> tuple[Any, bytes]:
    """The group that holds the last part of ``name``, with the groups on the way made, and that part."""
    if "/" not in name:
        return group, encoded_name(name)
    *groups, last = [part for part in name.split("/") if part] or [""]
    encoded = encoded_name(last)
    for part in groups:
        group, _ = required_group(group, encoded_name(part), DEFAULT_CLASS)
    return group, encoded


def member_place(group: Any, name: str) -> tuple[Any, bytes]:
    """The same for a group of h5py's. A copied one is not opened for that: the name begins in the group above
    it."""
    if isinstance(group, CopiedGroup) and "/" not in name:
        return group.parent_id, group.name_in_parent + b"/" + encoded_name(name)
    return place_of(group.id, name)


def path_of_member(group: Any, name: str) -> str:
    """The path in its file of what is called ``name`` in a group of h5py's."""
    return f"{group.path}/{name}" if isinstance(group, CopiedGroup) else path_of(group.id, name)


def encoded_name(name: str) -> bytes:
    """Raises Unstorable."""
    if name in ("", ".", "..") or "\0" in name:
        raise Unstorable("it has no usable name")
    return name.encode("utf-8", "backslashreplace")


def write_dataset(parent: Any, name: bytes, value: npt.NDArray[Any]) -> tuple[Any, bool]:
    """A dataset in one piece, of exactly this value, and whether it is new. An old one keeps its attributes.

    Raises Unstorable rather than replace a group, a link or a dataset of points.
    """
    kind = kind_of(parent, name)
    if kind is Kind.NOTHING:
        return new_dataset(parent, name, value), True
    if kind is not Kind.VALUE:
        raise Unstorable(f"{kind.value} has that name")
    old = h5py.h5d.open(parent, name)
    if value.size and old.shape == value.shape and old.dtype == value.dtype:
        _fill(old, value)
        return old, False
    kept = dict(h5py.Dataset(old).attrs)
    parent.unlink(name)
    dataset = new_dataset(parent, name, value)
    for key, attribute in kept.items():
        new_attribute(dataset, key.encode(), storable(attribute))
    return dataset, False


def new_dataset(parent: Any, name: bytes | None, value: npt.NDArray[Any]) -> Any:
    """A dataset in one piece under a free name, or without any."""
    space = h5py.h5s.create_simple(value.shape) if value.shape else _SCALAR
    creation = _COMPACT_CREATION if 0 < value.nbytes <= _COMPACT_NBYTES else _DATASET_CREATION
    dataset = h5py.h5d.create(parent, name, file_type(value.dtype), space, creation)
    if value.size:
        _fill(dataset, value)
    return dataset


def _fill(dataset: Any, value: npt.NDArray[Any]) -> None:
    if not value.shape and value.dtype == TEXT:
        write_text_value(dataset, value[()])
        return
    dataset.write(_ALL, _ALL, np.require(value, requirements="C"), _memory_type(value.dtype))


def set_attribute(item: Any, name: str, value: Any, *, fresh: bool = False) -> None:
    """A new or replaced attribute; None removes it. ``fresh``: ``item`` has none of that name.

    Raises Unstorable.
    """
    encoded = encoded_name(name)
    if fresh and isinstance(value, str):
        new_text_attribute(item, encoded, value)
        return
    array = None if value is None else storable(value)
    if not fresh and h5py.h5a.exists(item, encoded):
        h5py.h5a.delete(item, encoded)
    if array is not None:
        new_attribute(item, encoded, array)


def set_attributes(item: Any, attributes: Mapping[str, Any] | None, *, fresh: bool = False) -> None:
    for name, value in (attributes or {}).items():
        set_attribute(item, name, value, fresh=fresh)


def text_attribute(item: Any, name: bytes) -> str | None:
    """The text of an attribute, None when there is none."""
    if not h5py.h5a.exists(item, name):
        return None
    value = h5py.AttributeManager(h5py.Group(item))[name.decode()]
    return value if isinstance(value, str) else None


def new_attribute(item: Any, name: bytes, value: npt.NDArray[Any]) -> None:
    space = h5py.h5s.create_simple(value.shape) if value.shape else _SCALAR
    attribute = h5py.h5a.create(item, name, file_type(value.dtype), space)
    if value.size:
        attribute.write(np.require(value, requirements="C"), _memory_type(value.dtype))


@lru_cache(maxsize=64)
def file_type(dtype: np.dtype[Any]) -> Any:
    """HDF5's type for ``dtype``: bool and complex as h5py keeps them, byte order as it is."""
    return h5py.h5t.py_create(dtype, logical=True)


def _memory_type(dtype: np.dtype[Any]) -> Any:
    return TEXT_IN_MEMORY if dtype == TEXT else file_type(dtype)


def path_of(item: Any, name: str | bytes = "") -> str:
    """The path of ``name`` in its file."""
    own = (h5py.h5i.get_name(item) or b"").decode("utf-8", "backslashreplace").rstrip("/")
    return f"{own}/{name if isinstance(name, str) else name.decode()}"


def file_name(item: Any) -> str:
    """The path of the file that holds ``item``, as it was opened."""
    return os.fsdecode(h5py.h5f.get_name(item))
