"""What a channel says of itself."""

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
