"""What a channel says of itself, and what its scan says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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
