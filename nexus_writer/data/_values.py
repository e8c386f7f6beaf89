"""Points out of unpickled values: the general way, for whatever a channel may publish."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .description import OBJECT, PointDescription
from .errors import UndecodablePickle
from .opaque import Opaque

_TEXT_KINDS = "US"


def points_in(value: object, points: int, described: PointDescription) -> npt.NDArray[Any]:
    """The ``points`` points of a ``__DATA__``, (n,) + the shape of one.

    One point is the value itself, several are an array or list of them. Text and objects give an array
    of objects. Python's numbers take the declared dtype where that changes no value. Raises
    ``UndecodablePickle`` for values that we cannot decode, or that are not as many as announced.
    """
    array = _single(value, described) if points == 1 else _several(value, described)
    if array.ndim == 0 or len(array) != points:
        raise UndecodablePickle(f"{points} points announced, other values found")
    if array.dtype.kind in _TEXT_KINDS or (described.dtype == OBJECT and array.dtype != OBJECT):
        array = array.astype(OBJECT)
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype == OBJECT:
        for item in array.flat:
            _refuse_opaque(item)
    return array


def _refuse_opaque(item: object) -> None:
    if isinstance(item, Opaque):
        raise UndecodablePickle(f"its values are objects of {item.module:.80}.{item.name:.80}")


def _single(value: object, described: PointDescription) -> npt.NDArray[Any]:
    _refuse_opaque(value)
    if isinstance(value, np.ndarray):
        return value[np.newaxis]
    if isinstance(value, np.generic):
        return np.asarray([value], dtype=value.dtype)
    numeric = described.dtype.kind in "biufc" and not described.reference
    if numeric and isinstance(value, bool | int | float | complex | list | tuple):
        return _numbers([value], described)
    array = np.empty(1, dtype=OBJECT)
    array[0] = value
    return array


def _several(value: object, described: PointDescription) -> npt.NDArray[Any]:
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, list | tuple):
        raise UndecodablePickle(f"a {type(value).__name__} in the place of an array of points")
    if described.dtype.kind in "biufc":
        return _numbers(list(value), described)
    array = np.empty(len(value), dtype=OBJECT)
    for index, item in enumerate(value):
        array[index] = item
    return array


def _numbers(values: list[Any], described: PointDescription) -> npt.NDArray[Any]:
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise UndecodablePickle("lists of different lengths in the place of numbers") from error
    if array.dtype != OBJECT and np.can_cast(array.dtype, described.dtype, "safe"):
        return array.astype(described.dtype.newbyteorder("="))
    return array
