"""Copies of entries for programs that look at their structure, and may write into what they look at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ._library import h5py

MOST_COPIED_NBYTES = 2**16
"""Datasets with more have their shape and type in a copy, and no values."""

_MOST_COPIED_TEXTS = 1000
_MAX_DEPTH = 32


def own_entries(path: str | os.PathLike[str]) -> list[str]:
    """Groups in the root of a file, links left out, whoever may be writing it. Raises OSError."""
    with h5py.File(path, "r", locking=False) as file:
        return [name for name in file if _own_group(file, name)]


def lost_links(path: str | os.PathLike[str]) -> list[str]:
    """What the links in the root of a file lead to that does not exist. Raises OSError."""
    lost: list[str] = []
    with h5py.File(path, "r", locking=False) as file:
        for name in file:
            _check_link(file, name, Path(path).parent, lost)
    return lost


def copy_skeleton(source: str | os.PathLike[str], entry: str, target: Path) -> list[str]:
    """A new file at ``target`` with one entry of ``source``, and the attributes of its root.

    Names, attributes, types, shapes and links within the file are as they were; large, virtual and external
    datasets are without values (nexusformat takes the number of a virtual one's sources for its length), and
    links to other files left out. Returns those of them that lead nowhere. Takes no lock. Raises OSError,
    KeyError.
    """
    lost: list[str] = []
    with h5py.File(source, "r", locking=False) as original, h5py.File(target, "w") as copy:
        _copy_attributes(original, copy)
        _copy_group(original[entry], copy.create_group(entry), Path(source).parent, lost, 0)
    return lost


def _own_group(group: Any, name: str) -> bool:
    link = group.get(name, getlink=True)
    return isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group)


def _copy_group(source: Any, target: Any, directory: Path, lost: list[str], depth: int) -> None:
    _copy_attributes(source, target)
    for name in source:
        link = source.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            target[name] = h5py.SoftLink(link.path)
        elif isinstance(link, h5py.ExternalLink):
            _check_link(source, name, directory, lost)
        elif isinstance(item := source[name], h5py.Group):
            if depth < _MAX_DEPTH:
                _copy_group(item, target.create_group(name), directory, lost, depth + 1)
        elif isinstance(item, h5py.Dataset):
            _copy_dataset(item, target, name)


def _check_link(group: Any, name: str, directory: Path, lost: list[str]) -> None:
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink) and not (directory / link.filename).exists():
        lost.append(f"{group.name.rstrip('/')}/{name}: leads to {link.filename}, which does not exist")


def _copy_dataset(source: Any, target: Any, name: str) -> None:
    if _is_small(source) and not source.is_virtual and not source.external:
        source.file.copy(source, target, name)
        return
    space = h5py.h5s.create_simple(source.shape)
    copy = h5py.Dataset(h5py.h5d.create(target.id, name.encode(), source.id.get_type(), space))
    _copy_attributes(source, copy)


def _is_small(dataset: Any) -> bool:
    if dataset.dtype.kind == "O":
        return (dataset.size or 0) <= _MOST_COPIED_TEXTS
    return int(dataset.nbytes) <= MOST_COPIED_NBYTES


def _copy_attributes(source: Any, target: Any) -> None:
    for name in source.attrs:
        original = source.attrs.get_id(name)
        space = original.get_space()
        copy = h5py.h5a.create(target.id, name.encode(), original.get_type(), space)
        if space.get_simple_extent_npoints():
            values = np.empty(original.shape, dtype=original.dtype)
            original.read(values)
            copy.write(values)
