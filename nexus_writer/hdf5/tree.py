"""Groups, values, attributes and links of a file, and whole trees of them.

A detector (group, dataset, attributes, links) takes a quarter of the time that high-level h5py takes for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nexus_writer.model.limits import DEEPEST_TREE, MOST_MEMBERS

from . import items
from ._guard import guarded, is_failed_write
from ._library import h5py
from .errors import EntryExists, NotStorable
from .items import DEFAULT_CLASS, Kind, file_name, kind_of, member_place, path_of, path_of_member, place_of
from .values import Unstorable, storable


@guarded
def create_group(parent: Any, name: str, nx_class: str) -> Any:
    """A new group of that class. ``name`` may be a path below ``parent``. Raises EntryExists."""
    group, encoded = _placed(parent, name)
    try:
        return h5py.Group(items.new_group(group, encoded, nx_class))
    except Exception:
        items.refuse_taken(group, encoded)
        raise


@guarded
def require_group(parent: Any, name: str, nx_class: str = DEFAULT_CLASS) -> Any:
    """The group of that name, made when it is missing; one that exists keeps its class.

    Raises EntryExists when the name belongs to something else.
    """
    group, encoded = _placed(parent, name)
    return h5py.Group(items.required_group(group, encoded, nx_class)[0])


@guarded
def write_text(group: Any, name: str, text: str, attributes: Mapping[str, Any] | None = None) -> None:
    """A scalar UTF-8 text of variable length, as :func:`write_value`."""
    _write_value(group.id, name, text, attributes)


@guarded
def write_value(group: Any, name: str, value: Any, attributes: Mapping[str, Any] | None = None) -> None:
    """A dataset, in one piece, of exactly the value's shape. One that exists gets the new value and keeps its
    attributes, whatever the type and shape.

    Raises NotStorable for a value that HDF5 has no type for, and rather than replace a group, a link or a
    dataset of points.
    """
    _write_value(group.id, name, value, attributes)


@guarded
def set_attributes(item: Any, attributes: Mapping[str, Any]) -> None:
    """Attributes of a group or dataset, new or replaced; None removes one. Raises NotStorable."""
    for name, value in attributes.items():
        try:
            items.set_attribute(item.id, name, value)
        except Unstorable as error:
            raise NotStorable(f"{path_of(item.id)[:-1]}@{name}", str(error)) from None


@guarded
def soft_link(group: Any, name: str, target: str, *, replace: bool = False) -> None:
    """A soft link to a path in the same file, absolute or from ``group`` on; it may dangle.

    Raises EntryExists; with ``replace`` the item of that name is unlinked instead.
    """
    if replace:
        parent, encoded = _freed(group, name, replace)
    else:
        parent, encoded = _placed(group, name)
    try:
        parent.links.create_soft(encoded, target.encode())
    except Exception:
        items.refuse_taken(parent, encoded)
        raise


@guarded
def external_link(
    group: Any, name: str, file: str | os.PathLike[str], target: str, *, replace: bool = False
) -> None:
    """A link to ``target`` in another file, kept as a path relative to the directory of ``group``'s file.

    Raises EntryExists; with ``replace`` the item of that name is unlinked instead.
    """
    parent, encoded = _freed(group, name, replace)
    parent.links.create_external(encoded, os.fsencode(_relative(group.id, file)), target.encode())


@guarded
def write_tree(group: Any, tree: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Write a nested mapping into ``group``; (path, why) of what could not be stored, the rest is written.

    A mapping becomes a group (NXcollection unless it says ``@NX_class``), ``@a`` an attribute of the group,
    ``x@a`` one of its member x, ``>x`` a soft link, or an external one for ``file::path``; ``/`` in a key
    nests; None removes a value, link or attribute of that name. Values as in :func:`write_value`: existing
    ones are replaced, groups merged and their class kept, unless it is NXcollection.
    """
    writing = _TreeWriter()
    writing.write(group.id, tree, fresh=False, depth=0)
    return writing.problems


class _TreeWriter:
    """One pass over a tree. ``problems`` are the (path, why) of what it left out."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self._items_left = MOST_MEMBERS

    def write(self, group: Any, tree: Mapping[Any, Any], *, fresh: bool, depth: int) -> None:
        """The members first, then the attributes, in any order. ``fresh``: the group was made by us."""
        made: dict[str, Any] = {}
        attributes: list[tuple[str, Any]] = []
        for key, value in tree.items():
            name = str(key)
            if "@" in name:
                attributes.append((name, value))
                continue
            self._items_left -= 1
            if self._items_left < 0:
                self.problems.append((path_of(group, name), f"more than {MOST_MEMBERS} items"))
                return
            if isinstance(value, Mapping):
                self._attempt(group, name, self._group, value, made, depth)
            elif value is None:
                self._attempt(group, name.removeprefix(">"), _remove)
            elif name.startswith(">"):
                self._attempt(group, name[1:], _write_link, value)
            else:
                self._attempt(group, name, self._value, value, made)
        for name, value in attributes:
            self._attempt(group, name, self._attribute, value, made, fresh)

    def _group(
        self, group: Any, name: str, value: Mapping[Any, Any], made: dict[str, Any], depth: int
    ) -> None:
        if depth >= DEEPEST_TREE:
            raise Unstorable("it is nested too deeply")
        nx_class = value.get("@NX_class")
        if not (isinstance(nx_class, str) and nx_class):
            nx_class = DEFAULT_CLASS
        child, new = items.required_group(*place_of(group, name), nx_class)
        if new:
            made[name] = child
        elif nx_class != DEFAULT_CLASS and items.text_attribute(child, b"NX_class") == DEFAULT_CLASS:
            items.set_attribute(child, "NX_class", nx_class)
        value = {key: item for key, item in value.items() if key != "@NX_class"}
        self.write(child, value, fresh=new, depth=depth + 1)

    def _value(self, group: Any, name: str, value: Any, made: dict[str, Any]) -> None:
        array = storable(value)
        dataset, new = items.write_dataset(*place_of(group, name), array)
        if new:
            made[name] = dataset

    def _attribute(self, group: Any, name: str, value: Any, made: dict[str, Any], fresh: bool) -> None:
        member, _, attribute = name.rpartition("@")
        member = member.rstrip("/")
        if not member:
            items.set_attribute(group, attribute, value, fresh=fresh)
        elif member in made:
            items.set_attribute(made[member], attribute, value)
        elif (item := _existing(group, member)) is not None:
            items.set_attribute(item, attribute, value)
        elif value is not None:
            raise Unstorable("there is no such item, or it is a link")

    def _attempt(self, group: Any, name: str, write: Callable[..., None], *args: Any) -> None:
        """A value that cannot be stored costs itself alone; a write that failed costs the file."""
        try:
            write(group, name, *args)
        except Unstorable as error:
            self.problems.append((path_of(group, name), str(error)))
        except EntryExists as error:
            self.problems.append((error.name, "something else has that name"))
        except Exception as error:
            if is_failed_write(error) or isinstance(error, MemoryError):
                raise
            self.problems.append((path_of(group, name), " ".join(str(error).split())))


def _write_value(group: Any, name: str, value: Any, attributes: Mapping[str, Any] | None) -> None:
    try:
        array = storable(value)
        dataset, new = items.write_dataset(*place_of(group, name), array)
        items.set_attributes(dataset, attributes, fresh=new)
    except Unstorable as error:
        raise NotStorable(path_of(group, name), str(error)) from None


def _write_link(group: Any, name: str, target: Any) -> None:
    if not isinstance(target, str | bytes) or not target:
        raise Unstorable("the target of a link is text")
    text = target.decode() if isinstance(target, bytes) else target
    parent, encoded = place_of(group, name)
    kind = kind_of(parent, encoded)
    if kind not in (Kind.NOTHING, Kind.LINK):
        raise Unstorable(f"{kind.value} has that name")
    if kind is Kind.LINK:
        parent.unlink(encoded)
    file, separator, path = text.partition("::")
    if separator and file and not _is_own_file(group, file):
        parent.links.create_external(encoded, os.fsencode(_relative(group, file)), (path or "/").encode())
    else:
        parent.links.create_soft(encoded, (path if separator else text).encode())


def _remove(group: Any, name: str) -> None:
    """Unlink a value or a link; groups and points stay."""
    parent = _existing(group, name.rpartition("/")[0]) if "/" in name else group
    if parent is None:
        return
    encoded = name.rpartition("/")[2].encode()
    kind = kind_of(parent, encoded)
    if kind in (Kind.VALUE, Kind.LINK):
        parent.unlink(encoded)
    elif kind is not Kind.NOTHING:
        raise Unstorable(f"{kind.value} has that name")


def _existing(group: Any, name: str) -> Any:
    """The item at a path below ``group``, None when there is none or a link is on the way."""
    item = group
    for part in filter(None, name.split("/")):
        if not isinstance(item, h5py.h5g.GroupID) or kind_of(item, part.encode()) in (
            Kind.NOTHING,
            Kind.LINK,
        ):
            return None
        item = h5py.h5o.open(item, part.encode())
    return item


def _placed(group: Any, name: str) -> tuple[Any, bytes]:
    try:
        return member_place(group, name)
    except Unstorable as error:
        raise NotStorable(path_of_member(group, name), str(error)) from None


def _freed(group: Any, name: str, replace: bool) -> tuple[Any, bytes]:
    parent, encoded = _placed(group, name)
    if parent.links.exists(encoded):
        if not replace:
            raise EntryExists(file_name(parent), path_of(parent, encoded))
        parent.unlink(encoded)
    return parent, encoded


def _is_own_file(group: Any, file: str) -> bool:
    own = Path(file_name(group))
    return os.path.normpath(own.parent / file) == os.path.normpath(own)


def _relative(group: Any, file: str | os.PathLike[str]) -> str:
    path = Path(file)
    return os.path.relpath(path, Path(file_name(group)).parent) if path.is_absolute() else os.fspath(file)
