"""Types of samples as they travel between processes: also a structured one that JSON made of lists."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["described", "make_dtype", "sample_nbytes"]


def make_dtype(dtype: Any) -> np.dtype[Any]:
    """Whatever numpy takes, and the fields of a structured type as lists. TypeError for Python objects."""
    if isinstance(dtype, list):
        dtype = [(str(name), *_format(rest)) for name, *rest in dtype]
    made: np.dtype[Any] = np.dtype(dtype)
    if made.hasobject:
        raise TypeError(f"samples of {made} can not be sent: give each field a size, as in 'S32'")
    return made


def described(dtype: np.dtype[Any]) -> Any:
    """The type for a message, as ``make_dtype`` takes it."""
    return dtype.descr if dtype.names else dtype.str


def sample_nbytes(dtype: Any, shape: Sequence[int]) -> int:
    """Of one sample of a stream: the first of ``shape`` counts samples."""
    return make_dtype(dtype).itemsize * math.prod(shape[1:])


def _format(rest: list[Any]) -> tuple[Any, ...]:
    kind, *shape = rest
    return (make_dtype(kind), *(tuple(n) if isinstance(n, list) else n for n in shape))
