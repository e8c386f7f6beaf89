"""A NeXus file as a tree for a terminal."""

from __future__ import annotations

from pathlib import Path

import h5py
from rich.markup import escape
from rich.tree import Tree


def file_tree(path: Path, *, depth: int = 4) -> Tree:
    """Groups with NeXus class, datasets with type and shape, links with target, ``depth`` levels deep."""
    tree = Tree(f"[bold]{escape(path.name)}[/]")
    with h5py.File(path) as file:
        _grow(tree, file, depth)
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
        branch = tree.add(f"[bold]{escape(name)}[/] [cyan]{escape(str(nx_class))}[/]")
        if depth > 1:
            _grow(branch, item, depth - 1)
        elif len(item):
            branch.add(f"[dim]{len(item)} items[/]")
    elif item.shape == () and h5py.check_string_dtype(item.dtype):
        tree.add(f"{escape(name)} [green]{escape(item.asstr()[()][:60])!r}[/]")
    else:
        units = item.attrs.get("units", "")
        tree.add(f"{escape(name)} [dim]{item.dtype} {item.shape}[/] {escape(str(units))}".rstrip())


def _natural(name: str) -> tuple[list[int], str]:
    """Entries 1.1, 2.1 … 10.1 in the order of their numbers."""
    parts = name.split(".")
    return ([int(part) for part in parts] if all(part.isdigit() for part in parts) else [], name)
