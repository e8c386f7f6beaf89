"""How a channel's points lie in the file: type, fill value, chunks, filters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py
from .chunking import ChunkOptions, chunk_shape, compression, expected_shape
from .errors import PointsRefused
from .filters import set_filters
from .items import file_type
from .texts import TEXT, TEXT_IN_FILE, TEXT_IN_MEMORY, to_text


@dataclass(frozen=True, slots=True)
class Storage:
    """``dtype`` is that of the arrays handed to HDF5; ``fill`` what a reader finds where nothing was written.

    ``extent`` is the shape without points, ``filters`` the number of filters that a chunk goes through.
    """

    dtype: np.dtype[Any]
    fill: Any
    extent: tuple[int, ...]
    file_type: Any
    memory_type: Any
    space: Any
    creation: Any
    chunk: tuple[int, ...]
    filters: int

    @property
    def chunk_nbytes(self) -> int:
        """Bytes of an uncompressed chunk."""
        return math.prod(self.chunk) * self.dtype.itemsize

    @property
    def all_filters_skipped(self) -> int:
        """The filter mask of a chunk that is stored as it is."""
        return (1 << self.filters) - 1

    @property
    def is_text(self) -> bool:
        return self.dtype.kind == "O"

    def empty(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """An array of nothing but the fill value."""
        return np.full(shape, self.fill, dtype=self.dtype)

    def create(self, group: Any, name: bytes) -> Any:
        """The dataset, empty, under a free name of a low-level group."""
        return h5py.h5d.create(group, name, self.file_type, self.space, self.creation)


@lru_cache(maxsize=256)
def storage_for(
    dtype: np.dtype[Any],
    scan_shape: tuple[int, ...],
    point_shape: tuple[int, ...],
    options: ChunkOptions,
    fill: bool = False,
) -> Storage:
    """Numbers, bool and complex as they are, byte order included; everything else as UTF-8 text.

    Empty at first, (0,) + ``point_shape`` with 0 for unknown lengths, and unlimited in every dimension.
    ``fill`` is that of a bool dataset, false unless it is given.
    """
    is_text = dtype.kind not in "biufc"
    dtype = TEXT if is_text else dtype
    item_nbytes = 0 if is_text else dtype.itemsize
    filling: Any = "" if is_text else dtype.type(np.nan if dtype.kind in "fc" else fill)
    expected = expected_shape(scan_shape, point_shape)
    chunk = chunk_shape(expected, item_nbytes, options)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk(chunk)
    creation.set_obj_track_times(False)
    if dtype.kind in "fc" or fill:
        creation.set_fill_value(np.array(filling, dtype=dtype))
    set_filters(creation, compression(expected, item_nbytes, options))
    extent = (0, *(max(n, 0) for n in point_shape))
    return Storage(
        dtype=dtype,
        fill=filling,
        extent=extent,
        file_type=TEXT_IN_FILE if is_text else file_type(dtype),
        memory_type=TEXT_IN_MEMORY if is_text else file_type(dtype),
        space=h5py.h5s.create_simple(extent, (h5py.h5s.UNLIMITED,) * len(extent)),
        creation=creation,
        chunk=chunk,
        filters=creation.get_nfilters(),
    )


def converted(path: str, values: npt.NDArray[Any], storage: Storage) -> npt.NDArray[Any]:
    """``values`` as ``storage`` takes them. Raises PointsRefused rather than change a number.

    Rounding to a narrower float or complex type is allowed: that is what the channel declared.
    """
    dtype = storage.dtype
    if storage.is_text:
        texts = np.empty(values.size, dtype=TEXT)
        texts[:] = [to_text(value) for value in values.ravel().tolist()]
        return texts.reshape(values.shape)
    if values.dtype == dtype or (
        values.dtype.kind in "biufc" and dtype.kind in "fc" and _widens(values.dtype, dtype)
    ):
        return np.ascontiguousarray(values, dtype=dtype)
    return _exactly(path, values, dtype)


def _widens(given: np.dtype[Any], declared: np.dtype[Any]) -> bool:
    return np.can_cast(given, declared, "same_kind")


def _exactly(path: str, values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    why = f"{values.dtype} values are no {dtype}"
    try:
        with np.errstate(all="ignore"):
            result = (values.real if values.dtype.kind == "c" else values).astype(dtype)
            differ = ~((result == values) | ((result != result) & (values != values)))
    except (TypeError, ValueError, OverflowError) as error:
        why = f"{why}: {error}"
    else:
        if not np.any(differ):
            return np.ascontiguousarray(result)
    raise PointsRefused(path, why)
