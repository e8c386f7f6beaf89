"""What a channel says of itself, and what its scan says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

_WIDTH = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
"""Kinds of numbers: each takes those of the same width, or less."""


@dataclass(frozen=True, slots=True)
class ChannelDescription:
    """A channel as its own node in Redis declares it.

    ``shape`` is that of one point, () for a scalar; a dimension of 0 or -1 has no known length.
    ``dtype`` is object for Python strings and objects.
    """

    key: str
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    unit: str | None

    def fitting(self, values: npt.NDArray[Any]) -> Self:
        """The same where ``values``, the first points (n,) + shape, are what was declared; else as they are.

        Declared are text, and the type and size of numbers; points of a wider kind (floats for integers),
        text for numbers or more dimensions than declared would cost the whole channel.
        """
        if values.dtype == self.dtype and values.ndim == len(self.shape) + 1:
            return self
        described = self
        if sum(n != 1 for n in values.shape[1:]) > len(self.shape):
            described = replace(described, shape=values.shape[1:])
        if not _takes(self.dtype, values):
            kept = values.dtype if values.dtype.kind in _WIDTH else np.dtype(object)
            described = replace(described, dtype=kept)
        return described


def _takes(dtype: np.dtype[Any], values: npt.NDArray[Any]) -> bool:
    if dtype.kind not in _WIDTH:
        return True
    if values.dtype.kind == "O":
        return not any(isinstance(value, str | bytes) for value in values.flat[:1])
    return _WIDTH.get(values.dtype.kind, 4) <= _WIDTH[dtype.kind]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as the scan info lists it, before its node exists.

    ``name`` is the full name ("ctl:diode"), ``dim`` the rank of one point, ``device`` the id of the
    device that publishes it.
    """

    name: str
    dim: int = 0
    unit: str | None = None
    device: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """The name, taken apart at the colons."""
        return tuple(self.name.split(":"))
