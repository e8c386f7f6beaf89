"""Groups that were copied under a name.

To open a group takes HDF5 and h5py as long as to copy it, and a detector without metadata needs nothing but a
dataset and a link in it: HDF5 makes these by their path from the group above.
"""

from __future__ import annotations

from typing import Any

from ._library import h5py


class CopiedGroup(h5py.Group):  # type: ignore[misc]
    """The group ``name`` of the low-level group ``parent``, opened when somebody asks for more than new
    members.

    ``path`` and ``live_file`` are known without asking HDF5. It keeps its name for as long as this object is
    used.
    """

    def __init__(self, parent: Any, name: bytes, path: str, live_file: Any) -> None:
        self.parent_id = parent
        self.name_in_parent = name
        self.path = path
        self.live_file = live_file

    @property
    def id(self) -> Any:
        """Its low-level identifier."""
        if "_id" not in self.__dict__:
            self._id = h5py.h5g.open(self.parent_id, self.name_in_parent)
        return self._id
