"""A group that is made anew as a whole when its content changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._guard import guarded
from ._library import h5py
from .items import Kind, kind_of, new_text_attribute, place_of
from .replaced import ReplacedDataset


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group of a class, in which ``fill`` puts everything."""

    nx_class: str
    fill: Callable[[Any], None]

    def create(self, group: Any) -> Any:
        creation = h5py.h5p.create(h5py.h5p.GROUP_CREATE)
        creation.set_obj_track_times(False)
        new = h5py.h5g.create(group, None, gcpl=creation)
        new_text_attribute(new, b"NX_class", self.nx_class)
        self.fill(h5py.Group(new))
        return new


class ReplacedGroup(ReplacedDataset):
    """As a :class:`ReplacedDataset`: a version is in the file before it gets the name, and older ones stay
    there for a while, so that no reader finds half a group or something else."""

    def _copy_attributes(self, dataset: Any) -> None:
        """A version has all of its attributes itself."""


@guarded
def has_link(group: Any, name: str) -> bool:
    """Whether ``name`` in ``group`` is a soft or external link; what it leads to does not matter."""
    parent, encoded = place_of(group.id, name)
    return kind_of(parent, encoded) is Kind.LINK
