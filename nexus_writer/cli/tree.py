"""``nexus-writer tree``: a NeXus file as a tree for a terminal."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from .file_target import FileTarget

MOST_CHARACTERS = 60
"""Of a text: more would push the tree over the edge of a terminal."""


def print_tree(target: FileTarget, depth: int) -> None:
    """Print what is below an item of a file. Raises CommandError where there is none."""
    tree = target.read(partial(_tree, name=_name(target), depth=depth))
    Console().print(tree)


def file_tree(path: Path, *, depth: int = 4) -> Tree:
    """Groups with NeXus class, datasets with type and shape, links with target, ``depth`` levels deep."""
    with h5py.File(path) as file:
        return _tree(file, path.name, depth)


def _name(target: FileTarget) -> str:
    return target.path.name if target.item == "/" else f"{target.path.name}::{target.item}"


def _tree(item: h5py.Group | h5py.Dataset, name: str, depth: int) -> Tree:
    tree = Tree(f"[bold]{escape(name)}[/]{_attributes(item)}")
    if isinstance(item, h5py.Group):
        _grow(tree, item, depth)
    else:
        _grow_item(tree, item.name.rpartition("/")[2], item, depth)
    return tree


def _grow(tree: Tree, group: h5py.Group, depth: int) -> None:
    for name in sorted(group, key=_natural):
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            tree.add(f"{escape(name)} [dim]-> {escape(link.path)}[/]")
        elif isinstance(link, h5py.ExternalLink):
            tree.add(f"{escape(name)} [dim]-> {escape(link.filename)}::{escape(link.path)}[/]")
        else:
            _grow_item(tree, name, group[name], depth)


def _grow_item(tree: Tree, name: str, item: h5py.Group | h5py.Dataset, depth: int) -> None:
    if isinstance(item, h5py.Group):
        nx_class = item.attrs.get("NX_class", "")
        branch = tree.add(f"[bold]{escape(name)}[/] [cyan]{escape(str(nx_class))}[/]{_attributes(item)}")
        if depth > 1:
            _grow(branch, item, depth - 1)
        elif len(item):
            branch.add(f"[dim]{len(item)} items[/]")
    elif item.shape == () and h5py.check_string_dtype(item.dtype):
        tree.add(f"{escape(name)} [green]{escape(_shortened(item.asstr()[()]))!r}[/]")
    else:
        units = item.attrs.get("units", "")
        shown = item[()] if item.shape == () else item.shape
        dtype = "text" if h5py.check_string_dtype(item.dtype) else str(item.dtype)
        kind = f"virtual {dtype}" if item.is_virtual else dtype
        tree.add(f"{escape(name)} [dim]{kind} {shown}[/] {escape(str(units))}".rstrip())


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _attributes(item: h5py.Group | h5py.Dataset) -> str:
    """What a viewer shows by default, and of what a plot is made."""
    names = [name for name in ("default", "signal", "auxiliary_signals", "axes") if name in item.attrs]
    texts = (", ".join(map(str, np.ravel(item.attrs[name]))) for name in names)
    return "".join(f" [yellow]@{name}[/]={escape(text)}" for name, text in zip(names, texts, strict=True))


def _natural(name: str) -> tuple[list[int], str]:
    """Entries 1.1, 2.1 … 10.1 in the order of their numbers."""
    parts = name.split(".")
    return ([int(part) for part in parts] if all(part.isdigit() for part in parts) else [], name)
