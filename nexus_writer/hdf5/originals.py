"""Groups that are alike, made by copying.

The groups of a scan's detectors differ in their names only. HDF5 copies a group with its class and two texts
in 35 us and makes it from nothing in 120; so the second one of a kind is made without a name, as an original
that nobody sees, and copied from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import items
from ._guard import guarded
from ._library import h5py
from .items import place_of
from .texts import scalar_text

_MOST_KINDS = 64


class Originals:
    """The originals of one file, by class and texts; dropped with this object, at the latest before the file
    is closed."""

    def __init__(self) -> None:
        self._originals: dict[tuple[Any, ...], Any] = {}

    @guarded
    def create_group(self, parent: Any, name: str, nx_class: str, texts: Mapping[str, str]) -> Any:
        """A new group of that class, with scalar datasets of text. Raises EntryExists."""
        group, encoded = place_of(parent.id, name)
        try:
            return h5py.Group(self._create(group, encoded, nx_class, texts))
        except Exception:
            items.refuse_taken(group, encoded)
            raise

    def _create(self, parent: Any, name: bytes, nx_class: str, texts: Mapping[str, str]) -> Any:
        kind = (nx_class, *texts.items())
        if kind not in self._originals:
            if len(self._originals) < _MOST_KINDS:
                self._originals[kind] = None
            return _new_group(parent, name, nx_class, texts)
        original = self._originals[kind]
        if original is None:
            original = self._originals[kind] = _new_group(parent, None, nx_class, texts)
        h5py.h5o.copy(original, b".", parent, name)
        return h5py.h5g.open(parent, name)


def _new_group(parent: Any, name: bytes | None, nx_class: str, texts: Mapping[str, str]) -> Any:
    group = items.new_group(parent, name, nx_class)
    for member, text in texts.items():
        items.new_dataset(group, member.encode(), scalar_text(text))
    return group
