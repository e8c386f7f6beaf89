"""Metadata as users publish them, in names and classes that NeXus allows. Pure: mappings in, mappings out.

The mappings follow the conventions of the ``hdf5.tree`` module. What is changed can be undone: a member that
is called otherwise has the name that was published as its attribute :data:`PUBLISHED_NAME`, a group of
another class that class as :data:`PUBLISHED_CLASS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .names import UniqueNames, normalise
from .nexus_classes import DEFAULT_CLASS, class_of_name, is_allowed

CLASS = "@NX_class"
PUBLISHED_NAME = "published_name"
PUBLISHED_CLASS = "published_class"


def valid_tree(tree: Mapping[Any, Any], nx_class: str = DEFAULT_CLASS) -> dict[str, Any]:
    """``tree``, for a group of the class ``nx_class``. A valid one comes back as it is."""
    heads = _valid_heads(tree, nx_class)
    valid: dict[str, Any] = {}
    for key, value in tree.items():
        link, member, attribute = _taken_apart(str(key))
        path = _path(member, heads)
        if isinstance(value, Mapping) and not (link or attribute):
            parent = DEFAULT_CLASS if "/" in path else nx_class
            valid[path] = _group(value, parent, path, member)
            continue
        valid[f"{link}{path}{attribute}"] = value
        if path != member and not (attribute or link or value is None):
            valid[f"{path}@{PUBLISHED_NAME}"] = member
    return valid


def _valid_heads(tree: Mapping[Any, Any], nx_class: str) -> dict[str, str]:
    """A name for each member: those that are valid keep theirs, whatever comes before them."""
    names = UniqueNames()
    paths = (_taken_apart(str(key))[1] for key in tree)
    members = dict.fromkeys(head for path in paths if (head := next(_parts(path), "")))
    wanted = {head: _wanted(head, tree.get(head), nx_class) for head in members}
    ordered = sorted(wanted, key=lambda head: wanted[head] != head)
    return {head: names.give(wanted[head], head) for head in ordered}


def _taken_apart(key: str) -> tuple[str, str, str]:
    """The sign of a link, the path of a member, and ``@attribute``; "" for what is not there."""
    member = key.removeprefix(">")
    link = key[: len(key) - len(member)]
    if "@" not in member:
        return link, member, ""
    member, at, attribute = member.rpartition("@")
    return link, member, at + attribute


def _wanted(head: str, value: Any, nx_class: str) -> str:
    """The valid name of a member, before it is unique; one that NeXus keeps for another class gets a tail."""
    name = normalise(head)
    kept_for = class_of_name(nx_class, name) if isinstance(value, Mapping) else None
    return name if kept_for is None or value.get(CLASS) == kept_for else f"{name}_"


def _path(member: str, heads: Mapping[str, str]) -> str:
    head, *rest = list(_parts(member)) or [""]
    return "/".join([heads.get(head, head), *map(normalise, rest)])


def _parts(member: str) -> Iterator[str]:
    return (part for part in member.split("/") if part)


def _group(tree: Mapping[Any, Any], parent: str, name: str, published: str) -> dict[str, Any]:
    """A mapping below a group of the class ``parent``."""
    wanted = tree.get(CLASS)
    nx_class = wanted if isinstance(wanted, str) and _fits(wanted, tree, parent) else DEFAULT_CLASS
    valid = valid_tree({key: value for key, value in tree.items() if str(key) != CLASS}, nx_class)
    told: dict[str, Any] = {CLASS: nx_class} if CLASS in tree else {}
    if name != published:
        told[f"@{PUBLISHED_NAME}"] = published
    if nx_class != wanted and isinstance(wanted, str) and wanted:
        told[f"@{PUBLISHED_CLASS}"] = wanted
    return told | valid


def _fits(nx_class: str, tree: Mapping[Any, Any], parent: str) -> bool:
    """An NXdata without signal is none."""
    return is_allowed(nx_class, parent) and (nx_class != "NXdata" or "@signal" in tree)
