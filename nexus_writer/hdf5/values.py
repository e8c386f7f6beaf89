"""What a published value becomes in HDF5: text, or an array of numbers, bools or texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import NotStorable
from .texts import TEXT, to_text

_MAX_NESTING = 32


def storable(path: str, value: Any) -> npt.NDArray[Any]:
    """``value`` as an array that HDF5 takes; of dtype :data:`~.texts.TEXT` for text, of any rank.

    bool, int (int64, uint64 when it needs it), float and complex become scalars, str and bytes text, lists and
    tuples of one kind arrays, ``[]`` float64 (0,); numpy's own keep their dtype.
    Raises NotStorable for anything else: dicts, dates, opaque objects, mixed or ragged lists.
    """
    if isinstance(value, str | bytes):
        return _texts([value], ())
    if isinstance(value, np.ndarray | np.generic):
        return _array(path, np.asarray(value))
    if isinstance(value, bool | int | float | complex):
        return _numbers(path, value)
    if isinstance(value, list | tuple):
        return _list(path, value)
    raise NotStorable(path, f"it is a {type(value).__name__}")


def _numbers(path: str, value: Any) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError) as error:
        why = str(error)
    else:
        if array.dtype.kind in "biufc":
            return array
        why = "an integer of more than 64 bits"
    raise NotStorable(path, why)


def _array(path: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    kind = array.dtype.kind
    if kind in "biufc":
        return array
    if kind in "US" or (kind == "O" and all(isinstance(item, str | bytes) for item in array.flat)):
        return _texts(array.ravel().tolist(), array.shape)
    raise NotStorable(path, f"it is an array of {array.dtype}")


def _list(path: str, value: list[Any] | tuple[Any, ...]) -> npt.NDArray[Any]:
    kinds = {_kind(item) for item in _leaves(path, value, 0)}
    if not kinds:
        return np.asarray(value, dtype=np.float64) if _is_regular(value) else _ragged(path)
    if len(kinds) > 1 or None in kinds:
        raise NotStorable(path, "its items are of different kinds, or of none that HDF5 has")
    if not _is_regular(value):
        return _ragged(path)
    if kinds == {"number"}:
        return _numbers(path, value)
    array = np.array(value, dtype=object)
    return _texts(array.ravel().tolist(), array.shape)


def _ragged(path: str) -> npt.NDArray[Any]:
    raise NotStorable(path, "its rows have different lengths")


def _leaves(path: str, value: Any, depth: int) -> Iterator[Any]:
    if depth > _MAX_NESTING:
        raise NotStorable(path, "it is nested too deeply")
    for item in value:
        if isinstance(item, list | tuple) or (isinstance(item, np.ndarray) and item.ndim):
            yield from _leaves(path, item, depth + 1)
        else:
            yield item


def _is_regular(value: Any) -> bool:
    """True when all rows have the same shape, so that numpy need not guess."""
    return _shape(value) is not None


def _shape(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if not isinstance(value, list | tuple):
        return ()
    shapes = {_shape(item) for item in value}
    if not shapes:
        return (0,)
    if len(shapes) > 1 or None in shapes:
        return None
    return (len(value), *(shapes.pop() or ()))


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
