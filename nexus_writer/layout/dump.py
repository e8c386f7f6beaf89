"""Metadata on their way into a file: nothing of them may cost a scan its points."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

import numpy as np

from nexus_writer.hdf5 import write_tree

from .metadata import without_members
from .nexus_classes import DEFAULT_CLASS
from .valid_tree import valid_tree


class Dump:
    """Writes trees of metadata; what cannot be stored is left out and told to ``warn``, item by item.

    A tree that was written before and did not change costs nothing.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._written: dict[str, Any] = {}

    def know(self, tree: Mapping[str, Any], source: str) -> None:
        """``tree`` was written already."""
        self._written[source] = tree

    def write(
        self,
        group: Any,
        tree: Mapping[str, Any],
        source: str,
        nx_class: str = DEFAULT_CLASS,
        members: Container[str] = (),
    ) -> None:
        """Merge ``tree`` into ``group``, which is of ``nx_class``; ``source`` tells it from other trees.

        ``members`` of the group are what a channel measured, and stay as they are. Raises FileBroken.
        """
        if not tree or (source in self._written and _same(self._written[source], tree)):
            return
        valid = valid_tree(tree, nx_class)
        kept, left_out = without_members(valid, members, group)
        if len(kept) + len(left_out) == len(valid):  # else there are attributes of members yet to come
            self._written[source] = tree
        for member in left_out:
            self._warn(f"{source}: {member} is left out, it would replace what is measured")
        for path, why in write_tree(group, kept):
            self._warn(f"metadata {path} is not saved: {why}")


def _same(a: Any, b: Any) -> bool:
    """Whether two trees would be written alike."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_same(value, b[name]) for name, value in a.items())
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    try:
        return bool(a == b)
    except Exception:
        return False
