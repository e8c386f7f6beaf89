"""The points of a channel in another shape: virtual datasets onto datasets of the same file.

One that grows with its source needs no care while the scan runs: HDF5 works out at every opening how far the
source has got. Its pieces are endless along the first dimension; that it has all its rows from the start
comes from one more piece, for the last row, whose source does not exist. (Tried with HDF5 1.12 and 2.0. A
piece that reaches beyond its source instead makes HDF5 2.0 divide by zero while the source is empty.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nexus_writer.model import Piece, Slab

from ._guard import guarded
from ._library import h5py
from .errors import EntryExists
from .items import file_name, file_type, path_of, place_of, set_attributes

NOT_MEASURED = "/not measured"
"""The source that does not exist."""

_SAME_FILE = b"."
_UNLIMITED = h5py.h5s.UNLIMITED


@guarded
def create_reshaped(
    group: Any,
    name: str,
    source: str,
    pieces: Iterable[Piece],
    *,
    shape: tuple[int, ...],
    point_shape: tuple[int, ...] = (),
    dtype: np.dtype[Any],
    grows: bool = False,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """A virtual dataset of ``shape`` + ``point_shape``, of which ``pieces`` (without the dimensions of a
    point) show parts of the dataset at the path ``source``; NaN, 0 or False elsewhere.

    ``grows``: the pieces are endless, and the dataset has more rows than ``shape`` once its source does.
    ``dtype`` may differ from that of the source where HDF5 can convert it. Raises EntryExists.
    """
    parent, encoded = place_of(group.id, name)
    if parent.links.exists(encoded):
        raise EntryExists(file_name(parent), path_of(parent, encoded))
    extent = shape + point_shape
    largest = (_UNLIMITED, *extent[1:]) if grows else extent
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    if dtype.kind in "fc":
        creation.set_fill_value(np.array(np.nan, dtype=dtype))
    if grows:
        _add_last_row(creation, extent, largest)
    for piece in pieces:
        target = _space(extent, largest, piece.target, point_shape)
        selected = _space(_reached(piece.source) + point_shape, None, piece.source, point_shape)
        creation.set_virtual(target, _SAME_FILE, source.encode(), selected)
    space = h5py.h5s.create_simple(extent, largest)
    dataset = h5py.h5d.create(parent, encoded, file_type(dtype), space, creation)
    set_attributes(dataset, attributes, fresh=True)


@guarded
def create_stacked(
    group: Any,
    name: str,
    sources: Sequence[tuple[str, tuple[int, ...]]],
    *,
    dtype: np.dtype[Any],
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """A virtual dataset of several datasets of the file, (path, shape) each, one behind the other along a
    new first dimension; smaller ones are filled up. Raises EntryExists."""
    parent, encoded = place_of(group.id, name)
    if parent.links.exists(encoded):
        raise EntryExists(file_name(parent), path_of(parent, encoded))
    largest = tuple(max(lengths) for lengths in zip(*(shape for _, shape in sources), strict=True))
    extent = (len(sources), *largest)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_obj_track_times(False)
    if dtype.kind in "fc":
        creation.set_fill_value(np.array(np.nan, dtype=dtype))
    for index, (path, shape) in enumerate(sources):
        start = (0,) * len(shape)
        target = _space(extent, extent, Slab.box((index, *start), (1, *shape)), ())
        creation.set_virtual(
            target, _SAME_FILE, path.encode(), _space(shape, shape, Slab.box(start, shape), ())
        )
    dataset = h5py.h5d.create(parent, encoded, file_type(dtype), h5py.h5s.create_simple(extent), creation)
    set_attributes(dataset, attributes, fresh=True)


@guarded
def unlink(group: Any, name: str) -> None:
    """Remove an item of a group, with all that is in it; nothing when there is none of that name."""
    parent, encoded = place_of(group.id, name)
    if parent.links.exists(encoded):
        parent.unlink(encoded)


def _add_last_row(creation: Any, extent: tuple[int, ...], largest: tuple[int, ...]) -> None:
    """Make the dataset as long as it will be: a piece without end says nothing of that."""
    start = (extent[0] - 1, *(0,) * (len(extent) - 1))
    row = (1, *extent[1:])
    target = h5py.h5s.create_simple(extent, largest)
    target.select_hyperslab(start, (1,) * len(extent), None, row)
    selected = h5py.h5s.create_simple(row)
    selected.select_hyperslab((0,) * len(row), (1,) * len(row), None, row)
    creation.set_virtual(target, _SAME_FILE, NOT_MEASURED.encode(), selected)


def _reached(slab: Slab) -> tuple[int, ...]:
    """The smallest shape that holds a slab, or the beginning of an endless one."""
    return tuple(
        start + ((count or 1) - 1) * stride + 1
        for start, count, stride in zip(slab.start, slab.count, slab.stride, strict=True)
    )


def _space(
    extent: tuple[int, ...], largest: tuple[int, ...] | None, slab: Slab, point_shape: tuple[int, ...]
) -> Any:
    """A dataspace in which ``slab`` is selected, with all of every point."""
    rest = len(point_shape)
    grown = (_UNLIMITED, *extent[1:]) if slab.count[0] is None else extent
    space = h5py.h5s.create_simple(extent, largest or grown)
    count = tuple(_UNLIMITED if n is None else n for n in slab.count)
    space.select_hyperslab(
        slab.start + (0,) * rest,
        count + (1,) * rest,
        slab.stride + (1,) * rest,
        (1,) * len(count) + point_shape,
    )
    return space
