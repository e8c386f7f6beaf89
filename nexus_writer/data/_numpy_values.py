"""numpy dtypes, scalars and arrays out of what a pickle says of them.

numpy's own ``__setstate__`` trusts its arguments (a list that is too short for an object array, a
field beyond the item's end). So nothing of it is used: a dtype is made from a code of a closed list,
an array from bytes whose number is exactly shape x item size. No allocation is larger than the input.
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .opaque import Opaque

_CODE = re.compile(
    r"[<>|=]?(b1|[iu][1248]|f(2|4|8|16)|c(8|16|32)|[SU][0-9]{1,9}|V[1-9][0-9]{0,8}|O8?)", re.ASCII
)
_BYTE_ORDERS: dict[str, Literal["<", ">", "|", "="]] = {"<": "<", ">": ">", "|": "|", "=": "="}
_LAST_CODE_POINT = 0x10FFFF
_MOST_DIMENSIONS = 32


class Unsupported(Exception):
    """It exists, we do not decode it: the value becomes opaque."""


class PendingDtype:
    """A dtype whose byte order comes with its state."""

    __slots__ = ("code", "value")

    def __init__(self, code: str) -> None:
        if type(code) is not str:
            raise ValueError("a dtype without a type code")
        self.code = code
        self.value: object = None

    def build(self, state: object) -> np.dtype[Any]:
        """The state is (version, byte order, subarray, names, fields, item size, alignment, flags, ...)."""
        if type(state) is not tuple or len(state) < 8 or type(state[1]) is not str:
            raise ValueError("a dtype with a state that numpy does not write")
        order = _BYTE_ORDERS.get(state[1])
        if order is None:
            raise ValueError(f"byte order {state[1]!r:.10}")
        if not _CODE.fullmatch(self.code) or state[2:5] != (None, None, None) or len(state) > 8:
            raise Unsupported  # records, subarrays, times, metadata
        dtype = np.dtype(self.code)
        if state[5] not in (-1, dtype.itemsize):
            raise ValueError("a dtype whose item size is not that of its code")
        return dtype if order == "|" else dtype.newbyteorder(order)


class PendingArray:
    """An array whose content comes with its state."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: object = None

    def build(self, state: object) -> npt.NDArray[Any]:
        """The state is (version, shape, dtype, Fortran order?, bytes or list of objects)."""
        if type(state) is not tuple or len(state) != 5:
            raise ValueError("an array with a state that numpy does not write")
        _, shape, dtype, fortran, content = state
        return _native(array(content, dtype, shape, "F" if fortran is True else "C"))


def array(content: object, dtype: object, shape: object, order: str) -> npt.NDArray[Any]:
    """A new array that owns its memory."""
    checked = _require_dtype(dtype)
    shape = _require_shape(shape)
    if order not in ("C", "F"):
        raise ValueError("an array in an unknown order")
    points = math.prod(shape)
    flat = _object_array(content, points) if checked.hasobject else _flat_array(content, checked, points)
    return flat.reshape(shape, order="F" if order == "F" else "C")


def from_buffer(content: object, dtype: object, shape: object, order: object = "C") -> npt.NDArray[Any]:
    """What protocol 5 writes for an array."""
    if _require_dtype(dtype).hasobject:
        raise ValueError("objects in a buffer")
    return array(content, dtype, shape, order if type(order) is str else "")


def scalar(dtype: object, content: object = None) -> Any:
    """A numpy scalar; for the object dtype the object itself."""
    checked = _require_dtype(dtype)
    if checked.hasobject:
        return content
    return _flat_array(content, checked, 1)[0]


def _require_dtype(dtype: object) -> np.dtype[Any]:
    if isinstance(dtype, np.dtype):
        return dtype
    if isinstance(dtype, Opaque):
        raise Unsupported
    raise ValueError(f"a {type(dtype).__name__} in the place of a dtype")


def _require_shape(shape: object) -> tuple[int, ...]:
    if type(shape) is not tuple or len(shape) > _MOST_DIMENSIONS:
        raise ValueError("an array without a shape")
    for length in shape:
        if type(length) is not int or length < 0:
            raise ValueError("an array with a length that is not a number")
    return shape


def _object_array(content: object, points: int) -> npt.NDArray[Any]:
    if type(content) is not list or len(content) != points:
        raise ValueError("an array of objects that has more or fewer objects than its shape says")
    flat = np.empty(points, dtype=object)
    for index, item in enumerate(content):
        flat[index] = item
    return flat


def _flat_array(content: object, dtype: np.dtype[Any], points: int) -> npt.NDArray[Any]:
    if type(content) is bytearray:
        content = bytes(content)
    if type(content) is not bytes or len(content) != points * dtype.itemsize:
        raise ValueError("an array that has more or fewer bytes than its shape and dtype say")
    if dtype.itemsize == 0:
        if points > 1_000_000:
            raise ValueError("an array of very many empty strings")
        return np.zeros(points, dtype=dtype)
    if dtype.kind == "U" and content:
        code_points = np.frombuffer(content, dtype=np.dtype(np.uint32).newbyteorder(dtype.byteorder))
        if code_points.max() > _LAST_CODE_POINT:
            raise ValueError("text with characters that do not exist")
    if dtype.kind == "b":
        return np.frombuffer(content, dtype=np.uint8).astype(bool)
    return np.frombuffer(content, dtype=dtype).copy()


def _native(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """In this machine's byte order: so numpy reads arrays of the protocols below 5."""
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))
