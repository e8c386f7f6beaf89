"""A dataset that cannot grow, made anew when there is more.

The mapping of a virtual dataset, the files of an external one and the values of a contiguous one are fixed
when it is made. So a longer one is made beside it, and takes over its name. What readers see in between
decides how (2 cameras, 50 versions a second, readers in other processes):

* HDF5 gives the place of an unlinked dataset to the next one. A reader that looked the name up just before
  found the other camera's frames there, without any error: 114 of 2,560 reads. So older versions are kept for
  ``KEPT_S`` in a group that has no name itself: nobody can see it, and when its identifier is closed, or the
  process ends, they are gone.
* A name that leads to a dataset that is not in the file yet is an error for its reader: 303 of 4,404 reads.
  So a version gets the name only when a flush has put it into the file; the flush after that moves the name
  alone.

The name stays, so links by path stay. Whoever has the file open sees the version of that time.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ._guard import guarded
from ._library import h5py
from .errors import EntryExists
from .items import file_name, new_attribute, path_of, place_of, set_attributes
from .live_file import LiveFile, live_file_of
from .values import storable

KEPT_S = 30.0


class Recipe(Protocol):
    """Makes one version of a dataset."""

    def create(self, group: Any) -> Any:
        """A low-level dataset without a name, in the file of the low-level ``group``."""
        ...


class ReplacedDataset:
    """``name`` in ``group``, with as many versions as there are recipes. Raises EntryExists.

    ``stage``, then a flush of the file, then ``publish``, then another flush.
    """

    live_file: LiveFile
    path: str

    @guarded
    def __init__(self, group: Any, name: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        live_file = live_file_of(group)
        if live_file is None:
            raise ValueError("a replaced dataset is in a file of OpenFiles")
        self.live_file = live_file
        self._group, self._name = place_of(group.id, name)
        self.path = path_of(self._group, self._name)
        if self._group.links.exists(self._name):
            raise EntryExists(file_name(self._group), self.path)
        self._clock_s = clock_s
        self._staged: Any = None
        self._attic: Any = None
        self._old: deque[tuple[float, bytes]] = deque()
        self._versions = 0

    @guarded
    def stage(self, recipe: Recipe, attributes: Mapping[str, Any]) -> None:
        """Make the next version, without a name yet; attributes that others gave the last one are kept."""
        self.live_file.check()
        dataset = recipe.create(self._group)
        set_attributes(dataset, attributes, fresh=True)
        if self._is_published():
            self._copy_attributes(dataset)
        self._staged = dataset

    @guarded
    def publish(self) -> bool:
        """Give the name to the version that was staged before the last flush; False when there is none."""
        self._drop_old()
        if self._staged is None:
            return False
        if self._is_published():
            self._retire()
        h5py.h5o.link(self._staged, self._group, self._name)
        self._staged = None
        self._versions += 1
        return True

    @guarded
    def remove(self) -> None:
        """Leave nothing of the name."""
        self._staged = None
        if self._is_published():
            self._group.unlink(self._name)
        self.close()

    def close(self) -> None:
        """Let the older versions go. Nothing else is done with it after that."""
        self._staged = None
        self._attic = None
        self._old.clear()

    def _is_published(self) -> bool:
        return bool(self._group.links.exists(self._name))

    def _retire(self) -> None:
        """Move the version that has the name to where nobody looks."""
        if self._attic is None:
            self._attic = h5py.h5g.create(self._group, None)
        name = b"%d" % self._versions
        h5py.h5o.link(h5py.h5o.open(self._group, self._name), self._attic, name)
        self._group.unlink(self._name)
        self._old.append((self._clock_s(), name))

    def _drop_old(self) -> None:
        while self._old and self._clock_s() - self._old[0][0] > KEPT_S:
            self._attic.unlink(self._old.popleft()[1])

    def _copy_attributes(self, dataset: Any) -> None:
        last = h5py.h5d.open(self._group, self._name)
        for index in range(h5py.h5a.get_num_attrs(last)):
            name = h5py.h5a.open(last, index=index).name
            if not h5py.h5a.exists(dataset, name):
                value = h5py.AttributeManager(h5py.Dataset(last))[name.decode()]
                new_attribute(dataset, name, storable(value))
