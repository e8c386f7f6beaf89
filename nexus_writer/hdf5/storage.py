"""How a channel's dtype lies in the file, and the making of a dataset that grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._library import h5py, leave_partial_chunks_unfiltered
from .chunking import ChunkOptions, chunk_shape, compression, expected_shape
from .errors import PointsRefused
from .texts import TEXT, TEXT_IN_FILE, TEXT_IN_MEMORY, to_text

_BITSHUFFLE = 32008
_FRAME_CACHE_NBYTES = 32 * 2**20
_HASH_SLOTS = 521


@dataclass(frozen=True, slots=True)
class Storage:
    """``dtype`` is that of the arrays handed to HDF5; ``fill`` what a reader finds where nothing was written."""

    dtype: np.dtype[Any]
    in_file: Any
    in_memory: Any
    fill: Any

    @property
    def is_text(self) -> bool:
        return self.dtype.kind == "O"

    @property
    def item_nbytes(self) -> int:
        """Bytes of one item as the rules for chunks count them: 0 for text."""
        return 0 if self.is_text else self.dtype.itemsize

    def empty(self, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        """An array of nothing but the fill value."""
        return np.full(shape, self.fill, dtype=self.dtype)


def storage_for(dtype: np.dtype[Any]) -> Storage:
    """Numbers, bool and complex as they are, byte order included; everything else as UTF-8 text."""
    if dtype.kind not in "biufc":
        return Storage(TEXT, TEXT_IN_FILE, TEXT_IN_MEMORY, "")
    in_file = h5py.h5t.py_create(dtype, logical=True)
    fill = dtype.type(np.nan) if dtype.kind in "fc" else dtype.type(0)
    return Storage(dtype, in_file, in_file, fill)


def converted(path: str, values: npt.NDArray[Any], storage: Storage) -> npt.NDArray[Any]:
    """``values`` as ``storage`` takes them. Raises PointsRefused rather than change a number.

    Rounding to a narrower float or complex type is allowed: that is what the channel declared.
    """
    if storage.is_text:
        flat = (
            [to_text(value) for value in values.ravel().tolist()]
            if values.dtype.kind != "O"
            else [to_text(value) for value in values.ravel()]
        )
        texts = np.empty(len(flat), dtype=TEXT)
        texts[:] = flat
        return texts.reshape(values.shape)
    if values.dtype == storage.dtype:
        return np.ascontiguousarray(values)
    if (
        values.dtype.kind in "biuf"
        and np.can_cast(values.dtype, storage.dtype, "same_kind")
        and storage.dtype.kind in "fc"
    ):
        return np.ascontiguousarray(values, dtype=storage.dtype)
    return _exactly(path, values, storage.dtype)


def _exactly(path: str, values: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    why = f"{values.dtype} values are no {dtype}"
    try:
        with np.errstate(all="ignore"):
            result = np.ascontiguousarray(values.astype(dtype))
            same = values.dtype.kind == "O" or bool(
                np.all((result == values) | ((result != result) & (values != values)))
            )
    except (TypeError, ValueError, OverflowError) as error:
        same, why = False, f"{why}: {error}"
    if not same:
        raise PointsRefused(path, why)
    return result


def create_growing(
    group: Any,
    name: bytes,
    storage: Storage,
    scan_shape: tuple[int, ...],
    point_shape: tuple[int, ...],
    options: ChunkOptions,
) -> Any:
    """An empty dataset (0,) + ``point_shape``, unlimited in every dimension, as a low-level identifier.

    Unknown lengths in ``point_shape`` start at 0. The caller has made sure that ``name`` is free.
    """
    expected = expected_shape(scan_shape, point_shape)
    chunk = chunk_shape(expected, storage.item_nbytes, options)
    scheme = compression(expected, storage.item_nbytes, options)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk(chunk)
    if storage.dtype.kind in "fc":
        creation.set_fill_value(np.array(storage.fill, dtype=storage.dtype))
    access = None
    if scheme != "none":
        _set_filters(creation, scheme)
        access = _compressed_access(creation, storage, point_shape, chunk)
    extent = (0, *(max(n, 0) for n in point_shape))
    space = h5py.h5s.create_simple(extent, (h5py.h5s.UNLIMITED,) * len(extent))
    return h5py.h5d.create(group.id, name, storage.in_file, space, creation, access)


def _set_filters(creation: Any, scheme: str) -> None:
    if scheme in ("byteshuffle", "gzip-byteshuffle"):
        creation.set_shuffle()
    if scheme in ("gzip", "gzip-byteshuffle"):
        creation.set_deflate(4)
    if scheme in ("bitshuffle", "lz4-bitshuffle"):
        import hdf5plugin  # noqa: F401  registers the filter

        with_lz4 = 2 if scheme == "lz4-bitshuffle" else 0
        creation.set_filter(_BITSHUFFLE, h5py.h5z.FLAG_OPTIONAL, (0, with_lz4))


def _compressed_access(
    creation: Any, storage: Storage, point_shape: tuple[int, ...], chunk: tuple[int, ...]
) -> Any:
    """How a compressed dataset is written while its last chunks are still partial.

    Where the points' lengths are known and whole chunks, chunks wait uncompressed in the file until they are
    full, and need no memory. Else they would stay so for ever: then HDF5 keeps one row of them in memory. So it
    does for frames, of which a scan has few: their chunks are compressed once instead of twice.
    """
    inner = tuple(n if n > 0 else 0 for n in point_shape)
    whole = all(n and n % c == 0 for n, c in zip(inner, chunk[1:], strict=True))
    if whole and leave_partial_chunks_unfiltered(creation) and len(point_shape) < 2:
        return None
    row = [chunk[0], *(-(-(n or 512) // c) * c for n, c in zip(inner, chunk[1:], strict=True))]
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    nbytes = min(int(np.prod(row, dtype=np.int64)) * storage.item_nbytes, _FRAME_CACHE_NBYTES)
    access.set_chunk_cache(_HASH_SLOTS, nbytes, 1.0)
    return access


def write_attribute(item: Any, name: str, text: str) -> None:
    """A new text attribute on a low-level identifier, scalar, of variable length."""
    attribute = h5py.h5a.create(item, name.encode(), TEXT_IN_FILE, _SCALAR)
    attribute.write(_scalar_text(text), TEXT_IN_MEMORY)


def write_attributes(item: Any, attributes: Mapping[str, str]) -> None:
    for name, text in attributes.items():
        write_attribute(item, name, text)


def _scalar_text(text: str) -> npt.NDArray[Any]:
    value = np.empty((), dtype=TEXT)
    value[()] = to_text(text)
    return value


_SCALAR = h5py.h5s.create(h5py.h5s.SCALAR)
