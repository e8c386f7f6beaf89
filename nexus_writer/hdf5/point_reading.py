"""Points of a dataset by their number, along whatever dimensions its scan has."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import boxes


def read_points(view: Any, rank: int, start: int, stop: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The points [start, stop) in C order of the first ``rank`` dimensions: (points,) + point.

    ``view`` is a dataset, or one of texts ``asstr``; ``dtype`` is that of the array.
    """
    shape = view.shape
    values = np.empty((stop - start, *shape[rank:]), dtype=dtype)
    if rank == 0:
        if stop > start:
            values[0] = view[()]
        return values
    row = 0
    for box in boxes(start, stop, shape[:rank]):
        count = [n or 0 for n in box.count]
        part = view[tuple(slice(a, a + n) for a, n in zip(box.start, count, strict=True))]
        points = prod(count)
        values[row : row + points] = part.reshape(points, *shape[rank:])
        row += points
    return values
