"""Which metadata of a scan go where. Pure: mappings in, mappings out.

The mappings follow the conventions of the ``hdf5.tree`` module: ``@name`` is an attribute of the group,
``member@name`` one of a member, ``>name`` a link.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping
from typing import Any

from nexus_writer.model import Device, Scan

from .names import normalise
from .valid_tree import CLASS

CLASSES = {"notes": "NXnote", "thumbnail": "NXnote", "experiment_documentation": "NXnote"}
"""Of members of an entry that have theirs by their name."""
RESERVED = frozenset({"title", "start_time", "end_time", "end_reason", "measurement", "writer"})
"""Members of an entry that no category may replace."""


def category_trees(scan: Scan) -> tuple[dict[str, Any], list[str]]:
    """What the metadata categories put into the entry, but for ``instrument``; and warnings.

    Empty categories, and those with nothing but a class, leave no trace.
    """
    trees: dict[str, Any] = {}
    warnings = []
    for name, value in scan.categories.items():
        tree = _with_class(value)
        if name == "instrument" or _is_empty(tree):
            continue
        if name in RESERVED:
            warnings.append(f"metadata category {name} is left out: the entry has its own {name}")
            continue
        trees[name] = {CLASS: CLASSES.get(name, "NXcollection"), **tree} if isinstance(tree, dict) else tree
    return trees, warnings


def instrument_tree(scan: Scan) -> dict[str, Any]:
    """What the category ``instrument`` puts into the NXinstrument; {} where it says nothing."""
    tree = _with_class(scan.categories.get("instrument"))
    return tree if isinstance(tree, dict) and not _is_empty(tree) else {}


def device_tree(device: Device, selection: str = "") -> Mapping[str, Any]:
    """What a device puts into the group of a channel: all of its metadata, or of one region of interest.

    Of the region ``selection`` it is what the device says of that alone, under the name ``selection``.
    """
    if not selection:
        return device.metadata
    region = device.metadata.get(selection)
    return {} if region is None else {"selection": region}


def split_groups(
    tree: Mapping[str, Any], groups: Collection[str]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The tree without the sub-mappings that name one of ``groups``, as published or as in the file; and
    those, without their class."""
    rest = {}
    merged: dict[str, dict[str, Any]] = {}
    for name, value in tree.items():
        group = normalise(name)
        if group in groups and isinstance(value, Mapping):
            told = {k: v for k, v in value.items() if k not in (CLASS, "NX_class")}
            merged.setdefault(group, {}).update(told)
        else:
            rest[name] = value
    return rest, merged


def without_members(
    tree: Mapping[str, Any], members: Container[str], present: Container[str]
) -> tuple[dict[str, Any], list[str]]:
    """The tree without what would replace ``members``, and the names that were left out.

    Attributes of members stay, of those that are ``present``; others are silently skipped.
    """
    kept = {}
    left_out = []
    for name, value in tree.items():
        member, at, _ = name.removeprefix(">").partition("@")
        member = member.partition("/")[0]
        if member not in members or (at and member in present):
            kept[name] = value
        elif not at:
            left_out.append(name)
    return kept, left_out


def _with_class(value: Any) -> Any:
    """A category as a tree: a top-level ``NX_class`` means the class, like ``@NX_class``."""
    if not isinstance(value, Mapping):
        return value
    tree = {str(k): v for k, v in value.items()}
    nx_class = tree.pop("NX_class", None)
    if nx_class is not None:
        tree.setdefault(CLASS, nx_class)
    return tree


def _is_empty(value: Any) -> bool:
    if isinstance(value, Mapping):
        return not any(name != CLASS for name in value)
    try:
        return not value
    except ValueError:  # an array of several elements
        return False
