"""Groups that are alike, made by copying.

The groups of a scan's detectors differ in their names only. HDF5 copies a group with its class and two texts
in 21 us and makes it from nothing in 70; so the second one of a kind is made without a name, as an original
that nobody sees, and copied from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import items
from ._guard import guarded
from ._library import h5py
from .copied_group import CopiedGroup
from .live_file import live_file_of
from .texts import scalar_text

_MOST_KINDS = 64


class Originals:
    """The originals of the groups in ``parent``, by class and texts; dropped with this object, at the latest
    before the file is closed."""

    def __init__(self, parent: Any) -> None:
        self.live_file = live_file_of(parent)
        self._parent = parent.id
        self._path = items.path_of(parent.id)
        self._originals: dict[tuple[Any, ...], Any] = {}

    @guarded
    def create_group(self, name: str, nx_class: str, texts: Mapping[str, str]) -> CopiedGroup:
        """A new group of that class, with scalar datasets of text. Raises EntryExists."""
        encoded = items.encoded_name(name)
        try:
            self._create(encoded, nx_class, texts)
        except Exception:
            items.refuse_taken(self._parent, encoded)
            raise
        return CopiedGroup(self._parent, encoded, self._path + name, self.live_file)

    def _create(self, name: bytes, nx_class: str, texts: Mapping[str, str]) -> None:
        kind = (nx_class, *texts.items())
        if kind not in self._originals:
            if len(self._originals) < _MOST_KINDS:
                self._originals[kind] = None
            _new_group(self._parent, name, nx_class, texts)
            return
        original = self._originals[kind]
        if original is None:
            original = self._originals[kind] = _new_group(self._parent, None, nx_class, texts)
        h5py.h5o.copy(original, b".", self._parent, name)


def _new_group(parent: Any, name: bytes | None, nx_class: str, texts: Mapping[str, str]) -> Any:
    group = items.new_group(parent, name, nx_class)
    for member, text in texts.items():
        items.new_dataset(group, member.encode(), scalar_text(text))
    return group
