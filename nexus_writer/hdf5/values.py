"""What a published value becomes in HDF5: text, or an array of numbers, bools or texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model.limits import MOST_ITEMS

from .texts import TEXT, scalar_text, to_text

_MAX_NESTING = 32
"""Dimensions of an array in HDF5."""


class Unstorable(Exception):
    """Why a value has no place in HDF5; stays within the package."""


def storable(value: Any) -> npt.NDArray[Any]:
    """``value`` as an array that HDF5 takes; of dtype :data:`~.texts.TEXT` for text, of any rank.

    bool, int (int64, uint64 when it needs it), float and complex become scalars, str and bytes text, lists
    and tuples of one kind arrays, ``[]`` float64 (0,); numpy's own keep their dtype.
    Raises Unstorable for anything else: mappings, dates, opaque objects, mixed or ragged lists.
    """
    if isinstance(value, str | bytes):
        return scalar_text(value)
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value))
    if isinstance(value, bool | int | float | complex):
        return _numbers(value)
    if isinstance(value, list | tuple):
        return _list(value)
    raise Unstorable(f"HDF5 has no type for {type(value).__name__}")


def _numbers(value: Any) -> npt.NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise Unstorable("it is an integer of more than 64 bits")
    return array


def _array(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kind = array.dtype.kind
    if kind in "biufc":
        return array
    if kind in "US" or (kind == "O" and all(isinstance(item, str | bytes) for item in array.flat)):
        return _texts(array.ravel().tolist(), array.shape)
    raise Unstorable(f"HDF5 has no type for an array of {array.dtype}")


def _list(value: list[Any] | tuple[Any, ...]) -> npt.NDArray[Any]:
    kinds = set()
    for count, item in enumerate(_leaves(value, 0)):
        kinds.add(_kind(item))
        if None in kinds or len(kinds) > 1:
            raise Unstorable("its items are of different kinds, or of one that HDF5 does not have")
        if count > MOST_ITEMS:
            raise Unstorable(f"it has more than {MOST_ITEMS} items")
    shape = _shape(value)
    if shape is None:
        raise Unstorable("its rows have different lengths")
    if not kinds:
        return np.empty(shape, dtype=np.float64)
    if kinds == {"number"}:
        return _numbers(value)
    return _texts(list(_leaves(value, 0)), shape)


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_NESTING:
        raise Unstorable("it is nested too deeply")
    for item in value:
        if isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.ndim):
            yield from _leaves(item, depth + 1)
        else:
            yield item


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of a nested list; None when its rows differ, so that numpy never has to guess."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if not isinstance(value, list | tuple):
        return ()
    shapes = {_shape(item) for item in value} or {()}
    row = shapes.pop()
    return None if shapes or row is None else (len(value), *row)


def _kind(item: Any) -> str | None:
    if isinstance(item, str | bytes):
        return "text"
    if isinstance(item, np.ndarray | np.generic):
        return "number" if item.dtype.kind in "biufc" else None
    if isinstance(item, bool | int | float | complex):
        return "number"
    return None


def _texts(items: list[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    array = np.empty(len(items), dtype=TEXT)
    array[:] = [to_text(item) for item in items]
    return array.reshape(shape)
