"""Points as their dataset takes them: of its type and rank, padded where they are smaller, in few arrays.

Nothing here knows what is in the file: points go in as they came, and come out as they can be written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model.limits import is_credible_shape

from .errors import PointsRefused
from .storage import Storage, converted

_JOINED_NBYTES = 64 * 2**20


def fitted(path: str, values: npt.NDArray[Any], storage: Storage) -> npt.NDArray[Any]:
    """Points with the dtype and rank of the dataset at ``path``. Raises PointsRefused."""
    rank = len(storage.extent)
    if storage.is_text and values.dtype.kind == "O" and values.ndim == 1 and rank > 1:
        values = _stacked(values, rank - 1)
    if values.ndim != rank:
        values = _with_rank(path, values, rank)
    return converted(path, values, storage)


def widened(
    path: str, widest: tuple[int, ...], values: npt.NDArray[Any], storage: Storage
) -> tuple[int, ...]:
    """The shape of a point that has room for those before and for ``values``. Raises PointsRefused."""
    widest = tuple(map(max, widest, values.shape[1:]))
    if not is_credible_shape(widest, storage.dtype.itemsize):
        raise PointsRefused(path, f"with those before, each would need the shape {widest}")
    return widest


def joined(parts: list[npt.NDArray[Any]], storage: Storage) -> list[npt.NDArray[Any]]:
    """Consecutive points as one array, the smaller ones padded; as several when that would be huge."""
    if len(parts) == 1:
        return parts
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) == 1:
        return [np.concatenate(parts, dtype=storage.dtype)]  # without it, in this host's byte order
    largest = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
    shape = (sum(map(len, parts)), *largest)
    if int(np.prod(shape, dtype=np.int64)) * storage.dtype.itemsize > _JOINED_NBYTES:
        return parts
    whole = storage.empty(shape)
    row = 0
    for part in parts:
        corner: tuple[slice, ...] = (slice(row, row + len(part)), *map(slice, part.shape[1:]))
        whole[corner] = part
        row += len(part)
    return [whole]


def nbytes_of(values: npt.NDArray[Any]) -> int:
    """Of numbers, or of texts as UTF-8."""
    if values.dtype.kind == "O":
        return sum(len(text.encode()) for text in values.ravel())
    return values.nbytes


def _with_rank(path: str, values: npt.NDArray[Any], rank: int) -> npt.NDArray[Any]:
    """Dimensions of length 1 may be missing from a point, or be too many."""
    point = tuple(n for n in values.shape[1:] if n != 1)
    if len(point) > rank - 1:
        raise PointsRefused(path, f"points of the shape {values.shape[1:]} have no {rank - 1} dimensions")
    return values.reshape(len(values), *(1,) * (rank - 1 - len(point)), *point)


def _stacked(values: npt.NDArray[Any], rank: int) -> npt.NDArray[Any]:
    """Points that are lists of texts themselves, padded with '' to the longest."""
    points = [
        np.array(value, dtype=object)
        if isinstance(value, list | tuple | np.ndarray)
        else np.array([value], dtype=object)
        for value in values
    ]
    if any(point.ndim != rank for point in points):
        return values
    shape = tuple(max(lengths) for lengths in zip(*(point.shape for point in points), strict=True))
    stacked = np.full((len(points), *shape), "", dtype=object)
    for row, point in enumerate(points):
        stacked[row][tuple(map(slice, point.shape))] = point
    return stacked
