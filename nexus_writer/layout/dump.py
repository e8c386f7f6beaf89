"""Metadata on their way into a file: nothing of them may cost a scan its points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nexus_writer.hdf5 import write_tree


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

    def write(self, group: Any, tree: Mapping[str, Any], source: str) -> None:
        """Merge ``tree`` into ``group``; ``source`` tells it from other trees. Raises FileBroken."""
        if not tree or (source in self._written and _same(self._written[source], tree)):
            return
        self._written[source] = tree
        for path, why in write_tree(group, tree):
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
