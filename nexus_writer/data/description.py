"""What every entry of a channel says of the points in it (``__DESC__``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .errors import UndecodablePickle
from .opaque import Opaque
from .pickles import loads

OBJECT = np.dtype(object)
_LONGEST_NAME = 40
_REMEMBERED_NBYTES = 1024
_KINDS = "biufcSUOmM"
_OBJECT_CLASSES = (str, bytes, object, list, tuple, dict, set, frozenset, bytearray)


@dataclass(frozen=True, slots=True)
class PointDescription:
    """``shape`` is that of one point; -1 or 0 stands for an unknown length.

    ``dtype`` is object for str, bytes and objects, and as declared for fixed-width strings.
    ``reference``: the points are names of other nodes, or of images.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    unit: str | None
    reference: bool


def as_dtype(declared: object) -> np.dtype[Any]:
    """The dtype that a channel declares as a class, a numpy class, a dtype or text such as ``'>i4'``.

    Raises ValueError for anything else.
    """
    if isinstance(declared, Opaque) or not isinstance(declared, np.dtype | type | str):
        raise ValueError(f"no dtype that we know: {declared!r:.60}")
    if isinstance(declared, str) and len(declared) > _LONGEST_NAME:
        raise ValueError("a dtype with a very long name")
    if declared in _OBJECT_CLASSES:
        return OBJECT
    try:
        dtype = np.dtype(declared)
    except (TypeError, ValueError, SyntaxError) as error:
        raise ValueError(f"no dtype that we know: {declared!r:.60}") from error
    if dtype.kind not in _KINDS or dtype.subdtype is not None:
        raise ValueError(f"no dtype that we know: {declared!r:.60}")
    return dtype


def description(data: bytes) -> PointDescription:
    """The description in the bytes of ``__DESC__``; raises ``UndecodablePickle`` when it is none."""
    return _remembered(data) if len(data) <= _REMEMBERED_NBYTES else _read(data)


def _read(data: bytes) -> PointDescription:
    raw = loads(data)
    if not isinstance(raw, dict):
        raise UndecodablePickle(f"a description that is a {type(raw).__name__}")
    shape = raw.get("shape", ())
    if not isinstance(shape, tuple | list) or not all(isinstance(length, int) for length in shape):
        raise UndecodablePickle("a description without a shape")
    try:
        dtype = as_dtype(raw.get("dtype"))
    except ValueError as error:
        raise UndecodablePickle(str(error)) from None
    unit = raw.get("unit")
    return PointDescription(
        dtype, tuple(shape), unit if isinstance(unit, str) else None, raw.get("reference") is True
    )


_remembered = lru_cache(maxsize=256)(_read)
"""The channels of a scan say the same of themselves, most of them."""


def decode_description(entry: Sequence[Any]) -> PointDescription | None:
    """The description in one entry ``[id, [field, value, ...]]`` of a data stream, None when it has none."""
    fields = entry[1]
    for name, value in zip(fields[::2], fields[1::2], strict=False):
        if name == b"__DESC__":
            return description(value)
    return None
