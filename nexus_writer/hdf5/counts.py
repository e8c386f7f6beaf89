"""A few numbers that change all the time: how many points of each channel the file holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ._guard import guarded
from ._library import h5py
from .errors import EntryExists
from .items import file_name, path_of, place_of
from .live_file import LiveFile, live_file_of

_INT64 = h5py.h5t.NATIVE_INT64


class Counts:
    """A dataset of int64, written anew as a whole in its place: (length,), which may grow.

    Without a change of length :meth:`write` touches nothing but the numbers (22 us for 1,000). Whoever reads
    them finds all as they were before, or, from the next flush on, all as they are.
    ``length`` is how many are expected, at least one. Raises EntryExists.
    """

    live_file: LiveFile

    def __init__(self, group: Any, name: str, length: int) -> None:
        live_file = live_file_of(group)
        if live_file is None:
            raise ValueError("counts are in a file of OpenFiles")
        self.live_file = live_file
        self._length = 0
        self._create(group, name, max(1, length))

    @guarded
    def write(self, values: Sequence[int]) -> None:
        """All of them; there are never fewer than before. Raises FileBroken."""
        self.live_file.check()
        if len(values) != self._length:
            self._length = len(values)
            self._id.set_extent((self._length,))
        if self._length:
            self._id.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(values, dtype=np.int64), _INT64)

    @guarded
    def _create(self, group: Any, name: str, length: int) -> None:
        parent, encoded = place_of(group.id, name)
        if parent.links.exists(encoded):
            raise EntryExists(file_name(parent), path_of(parent, encoded))
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((length,))
        creation.set_obj_track_times(False)
        space = h5py.h5s.create_simple((0,), (h5py.h5s.UNLIMITED,))
        self._id = h5py.h5d.create(parent, encoded, h5py.h5t.STD_I64LE, space, creation)
