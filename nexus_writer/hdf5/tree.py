"""Groups, values, attributes and links, by HDF5's low-level calls: a scan has thousands of them.

High-level h5py takes 266 us for a detector (group, dataset, two attributes, link); these take about 100.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._guard import guarded
from ._library import h5py
from .errors import EntryExists, Hdf5Error, NotStorable
from .texts import TEXT, TEXT_IN_FILE, TEXT_IN_MEMORY
from .values import storable

DEFAULT_CLASS = "NXcollection"

_MAX_NESTING = 64
_SCALAR = h5py.h5s.create(h5py.h5s.SCALAR)
_MISSING, _GROUP, _DATASET, _POINTS, _LINK = "nothing", "a group", "a dataset", "measured points", "a link"


@guarded
def create_group(parent: Any, name: str, nx_class: str) -> Any:
    """A new group of that class. ``name`` may be a path below ``parent``. Raises EntryExists."""
    return h5py.Group(_new_group(parent.id, name, nx_class, _file_name(parent)))


@guarded
def require_group(parent: Any, name: str, nx_class: str = DEFAULT_CLASS) -> Any:
    """The group of that name, made when it is missing; one that exists keeps its class.

    Raises EntryExists when the name belongs to something else.
    """
    return h5py.Group(_required_group(parent.id, name, nx_class, _file_name(parent)))


@guarded
def write_text(group: Any, name: str, text: str, attributes: Mapping[str, Any] | None = None) -> None:
    """A scalar UTF-8 text of variable length, as :func:`write_value`."""
    _write_value(group.id, name, storable(name, text), attributes)


@guarded
def write_value(group: Any, name: str, value: Any, attributes: Mapping[str, Any] | None = None) -> None:
    """A dataset, contiguous, of exactly the value's shape. One that exists gets the new value and keeps its
    attributes, whatever the type and shape.

    Raises NotStorable for a value that HDF5 has no type for, and rather than replace a group, a link or
    measured points.
    """
    _write_value(group.id, name, storable(_path(group.id, name), value), attributes)


@guarded
def set_attributes(item: Any, attributes: Mapping[str, Any]) -> None:
    """Attributes of a group or dataset, new or replaced; None removes one. Raises NotStorable."""
    for name, value in attributes.items():
        _set_attribute(item.id, name, value)


@guarded
def soft_link(group: Any, name: str, target: str, *, replace: bool = False) -> None:
    """A soft link to a path in the same file, absolute or from ``group`` on; it may dangle.

    Raises EntryExists; with ``replace`` the item of that name is unlinked instead.
    """
    encoded = _free_name(group, name, replace)
    group.id.links.create_soft(encoded, target.encode())


@guarded
def external_link(
    group: Any, name: str, file: str | os.PathLike[str], target: str, *, replace: bool = False
) -> None:
    """A link to ``target`` in another file, kept as a path relative to the directory of ``group``'s file.

    Raises EntryExists; with ``replace`` the item of that name is unlinked instead.
    """
    encoded = _free_name(group, name, replace)
    group.id.links.create_external(encoded, _relative(group.id, file).encode(), target.encode())


@guarded
def write_tree(group: Any, tree: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Write a nested mapping into ``group``; (path, why) of what could not be stored, the rest is written.

    A mapping becomes a group (NXcollection unless it says ``@NX_class``), ``@a`` an attribute of the group,
    ``x@a`` one of its member x, ``>x`` a soft link, or an external one for ``file::path``; ``/`` in a key nests;
    None removes an item of that name. Values as in :func:`write_value`: existing items are replaced.
    """
    problems: list[tuple[str, str]] = []
    _write_tree(group.id, tree, problems, 0)
    return problems


def _write_tree(group: Any, tree: Mapping[Any, Any], problems: list[tuple[str, str]], depth: int) -> None:
    later: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = str(key)
        if "@" in name:
            later.append((name, value))
        else:
            _write_item(group, name, value, problems, depth)
    for name, value in later:
        _attempt(
            group, name, problems, lambda name=name, value=value: _write_tree_attribute(group, name, value)
        )


def _write_item(group: Any, name: str, value: Any, problems: list[tuple[str, str]], depth: int) -> None:
    if isinstance(value, Mapping):
        if depth >= _MAX_NESTING:
            problems.append((_path(group, name), "nested too deeply"))
            return
        nx_class = value.get("@NX_class")
        kind = nx_class if isinstance(nx_class, str) and nx_class else DEFAULT_CLASS
        child = _attempt(group, name, problems, lambda: _required_group(group, name, kind, _file_of(group)))
        if child is not None:
            _write_tree(child, value, problems, depth + 1)
    elif value is None:
        _attempt(group, name, problems, lambda: _remove(group, name.removeprefix(">")))
    elif name.startswith(">"):
        _attempt(group, name, problems, lambda: _write_link(group, name[1:], value))
    else:
        _attempt(group, name, problems, lambda: _write_new_value(group, name, value))


def _attempt(group: Any, name: str, problems: list[tuple[str, str]], write: Any) -> Any:
    try:
        return write()
    except NotStorable as error:
        problems.append((error.path, error.why))
    except EntryExists as error:
        problems.append((error.name, "something else has that name"))
    except (ValueError, TypeError, UnicodeError, KeyError) as error:
        problems.append((_path(group, name), " ".join(str(error).split())))
    return None


def _write_new_value(group: Any, name: str, value: Any) -> None:
    _write_value(group, name, storable(_path(group, name), value), None)


def _write_tree_attribute(group: Any, name: str, value: Any) -> None:
    member, _, attribute = name.rpartition("@")
    member = member.rstrip("/")
    if not member:
        _set_attribute(group, attribute, value)
        return
    kind = _kind(group, member)
    if kind == _MISSING:
        if value is not None:
            raise NotStorable(_path(group, name), "there is no such item")
        return
    if kind == _LINK:
        raise NotStorable(_path(group, name), "a link has no attributes")
    _set_attribute(h5py.h5o.open(group, member.encode()), attribute, value)


def _write_link(group: Any, name: str, target: Any) -> None:
    if not isinstance(target, str | bytes) or not target:
        raise NotStorable(_path(group, name), "the target of a link is text")
    text = target.decode() if isinstance(target, bytes) else target
    if _kind(group, name) not in (_MISSING, _LINK):
        raise NotStorable(_path(group, name), "something else has that name")
    parent, encoded = _parent(group, name)
    if parent.links.exists(encoded):
        parent.links.unlink(encoded)
    file, separator, path = text.partition("::")
    if separator and file and not _is_own_file(group, file):
        parent.links.create_external(encoded, _relative(group, file).encode(), (path or "/").encode())
    else:
        parent.links.create_soft(encoded, (path if separator else text).encode())


def _write_value(group: Any, name: str, value: Any, attributes: Mapping[str, Any] | None) -> None:
    """``value`` as :func:`.values.storable` made it."""
    parent, encoded = _parent(group, name)
    kept: dict[str, Any] = {}
    kind = _kind(parent, encoded)
    if kind == _DATASET:
        old = h5py.h5d.open(parent, encoded)
        if old.shape == value.shape and old.dtype == value.dtype and value.size:
            _fill(old, value)
            _set_all(old, attributes)
            return
        kept = dict(h5py.Dataset(old).attrs)
        parent.links.unlink(encoded)
    elif kind != _MISSING:
        raise NotStorable(_path(group, name), f"{kind} has that name")
    dataset = _new_dataset(parent, encoded, value)
    _set_all(dataset, kept)
    _set_all(dataset, attributes)


def _new_dataset(parent: Any, name: bytes, value: Any) -> Any:
    is_text = value.dtype == TEXT
    space = h5py.h5s.create_simple(value.shape) if value.shape else _SCALAR
    in_file = TEXT_IN_FILE if is_text else h5py.h5t.py_create(value.dtype, logical=True)
    dataset = h5py.h5d.create(parent, name, in_file, space)
    if value.size:
        _fill(dataset, value)
    return dataset


def _fill(dataset: Any, value: Any) -> None:
    in_memory = TEXT_IN_MEMORY if value.dtype == TEXT else None
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(value).reshape(value.shape), in_memory)


def _set_all(item: Any, attributes: Mapping[str, Any] | None) -> None:
    for name, value in (attributes or {}).items():
        _set_attribute(item, name, value)


def _set_attribute(item: Any, name: str, value: Any) -> None:
    encoded = name.encode()
    path = f"{_own_name(item)}@{name}"
    if not name:
        raise NotStorable(path, "an attribute needs a name")
    array = None if value is None else storable(path, value)
    if h5py.h5a.exists(item, encoded):
        h5py.h5a.delete(item, encoded)
    if array is None:
        return
    is_text = array.dtype == TEXT
    space = h5py.h5s.create_simple(array.shape) if array.shape else _SCALAR
    in_file = TEXT_IN_FILE if is_text else h5py.h5t.py_create(array.dtype, logical=True)
    attribute = h5py.h5a.create(item, encoded, in_file, space)
    if array.size:
        array = np.ascontiguousarray(array).reshape(array.shape)
        attribute.write(array, TEXT_IN_MEMORY if is_text else None)


def _new_group(parent: Any, name: str, nx_class: str, file_name: str) -> Any:
    parent, encoded = _parent(parent, name)
    if parent.links.exists(encoded):
        raise EntryExists(file_name, _path(parent, encoded.decode()))
    group = h5py.h5g.create(parent, encoded)
    _set_attribute(group, "NX_class", nx_class)
    return group


def _required_group(parent: Any, name: str, nx_class: str, file_name: str) -> Any:
    parent, encoded = _parent(parent, name)
    kind = _kind(parent, encoded)
    if kind == _MISSING:
        return _new_group(parent, encoded.decode(), nx_class, file_name)
    if kind != _GROUP:
        raise EntryExists(file_name, _path(parent, encoded.decode()))
    return h5py.h5g.open(parent, encoded)


def _parent(group: Any, name: str) -> tuple[Any, bytes]:
    """The group that holds the last part of ``name``, with the groups on the way made, and that part."""
    *groups, last = [part for part in name.split("/") if part] or [""]
    if not last or last == "." or "\0" in name:
        raise NotStorable(_path(group, name), "no name for an item")
    for part in groups:
        group = _required_group(group, part, DEFAULT_CLASS, _file_of(group))
    return group, last.encode()


def _kind(group: Any, name: str | bytes) -> str:
    """What has the name in ``group``; links are not followed, but on the way to it."""
    *groups, last = name.split("/") if isinstance(name, str) else [name.decode()]
    for part in filter(None, groups):
        if _kind(group, part.encode()) != _GROUP:
            return _MISSING
        group = h5py.h5g.open(group, part.encode())
    encoded = last.encode()
    if not group.links.exists(encoded):
        return _MISSING
    if group.links.get_info(encoded).type != h5py.h5l.TYPE_HARD:
        return _LINK
    item = h5py.h5o.open(group, encoded)
    if isinstance(item, h5py.h5g.GroupID):
        return _GROUP
    if isinstance(item, h5py.h5d.DatasetID) and item.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS:
        return _DATASET
    return _POINTS


def _remove(group: Any, name: str) -> None:
    """Unlink a value or a link; groups and measured points stay."""
    kind = _kind(group, name)
    if kind in (_DATASET, _LINK):
        group.links.unlink("/".join(filter(None, name.split("/"))).encode())
    elif kind != _MISSING:
        raise NotStorable(_path(group, name), f"{kind} has that name")


def _free_name(group: Any, name: str, replace: bool) -> bytes:
    encoded = name.encode()
    if group.id.links.exists(encoded):
        if not replace:
            raise EntryExists(_file_name(group), _path(group.id, name))
        group.id.links.unlink(encoded)
    return encoded


def _own_name(item: Any) -> str:
    return (h5py.h5i.get_name(item) or b"").decode("utf-8", "replace")


def _path(group: Any, name: str) -> str:
    return f"{_own_name(group).rstrip('/')}/{name}"


def _file_of(group: Any) -> str:
    return os.fsdecode(h5py.h5f.get_name(group))


def _file_name(group: Any) -> str:
    return _file_of(group.id)


def _is_own_file(group: Any, file: str) -> bool:
    own = Path(_file_of(group))
    return os.path.normpath(own.parent / file) == os.path.normpath(own)


def _relative(group: Any, file: str | os.PathLike[str]) -> str:
    path = os.fspath(file)
    return os.path.relpath(path, Path(_file_of(group)).parent) if os.path.isabs(path) else path


__all__ = [
    "Hdf5Error",
    "create_group",
    "external_link",
    "require_group",
    "set_attributes",
    "soft_link",
    "write_text",
    "write_tree",
    "write_value",
]
