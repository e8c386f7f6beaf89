"""Points that an earlier writing left in a file, read back as they were received.

They were written by a process that is gone, or by handles that are closed. Only what it had committed is
read: behind that a dataset may be longer, or hold anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block

from ._guard import guarded
from ._library import h5py
from .errors import PointsRefused
from .point_reading import read_points

_PIECE_NBYTES = 16 * 2**20


class EarlierPoints:
    """The points [0, ``points``) of a channel in ``dataset``, without those in ``gaps``, [start, stop) each.

    The first ``scan_rank`` dimensions are those of the scan: 0 for a single point, 1 for a line. ``mask`` is
    true where a point was filled up; then each comes with the shape it had. Raises PointsRefused where the
    dataset cannot have that many dimensions.
    """

    def __init__(
        self,
        dataset: Any,
        mask: Any,
        points: int,
        gaps: Sequence[tuple[int, int]] = (),
        *,
        scan_rank: int = 1,
    ) -> None:
        self._dataset = dataset
        self._mask = mask
        self.points = points
        self.gaps = sorted(gaps)
        self._rank = scan_rank
        self._check()

    @property
    def point_shape(self) -> tuple[int, ...]:
        return tuple(self._dataset.shape[self._rank :])

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = self._dataset.dtype
        return dtype

    def ranges(self, start: int = 0, stop: int | None = None) -> list[tuple[int, int]]:
        """What there is of the points [start, stop)."""
        stop = self.points if stop is None else min(stop, self.points)
        found = []
        for low, high in [*self.gaps, (stop, stop)]:
            if start < min(low, stop):
                found.append((start, min(low, stop)))
            start = max(start, high)
        return found

    def blocks(self, channel: str, start: int = 0, stop: int | None = None) -> Iterator[Block]:
        """Those of the points [start, stop) that there are; none of the blocks is larger than 16 MiB."""
        nbytes = int(np.prod(self.point_shape, dtype=np.int64)) * self.dtype.itemsize
        step = max(1, _PIECE_NBYTES // max(1, nbytes))
        for low, high in self.ranges(start, stop):
            for first in range(low, high, step):
                last = min(first + step, high)
                yield from self._cut(channel, first, *self._read(first, last))

    @guarded
    def _check(self) -> None:
        if self._dataset.ndim < self._rank or (self._mask and self._mask.ndim != self._dataset.ndim):
            raise PointsRefused(self._dataset.name, f"its shape is {self._dataset.shape}")

    @guarded
    def _read(self, start: int, stop: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None]:
        values = self._part(self._dataset, start, stop)
        return values, None if self._mask is None else self._part(self._mask, start, stop)

    def _part(self, dataset: Any, start: int, stop: int) -> npt.NDArray[Any]:
        is_text = h5py.check_string_dtype(dataset.dtype) is not None
        view = dataset.asstr(errors="surrogateescape") if is_text else dataset
        dtype = np.dtype(object) if is_text else dataset.dtype
        return read_points(view, self._rank, start, stop, dtype)

    @staticmethod
    def _cut(
        channel: str, start: int, values: npt.NDArray[Any], mask: npt.NDArray[Any] | None
    ) -> Iterator[Block]:
        """Blocks of points of one shape: what the mask says is filling is cut off."""
        if mask is None:
            yield Block(channel, start, values)
            return
        shapes = [_shape_within(filling) for filling in mask]
        first = 0
        for row in range(1, len(shapes) + 1):
            if row == len(shapes) or shapes[row] != shapes[first]:
                corner = (slice(first, row), *map(slice, shapes[first]))
                yield Block(channel, start + first, np.ascontiguousarray(values[corner]))
                first = row


def _shape_within(filling: npt.NDArray[np.bool_]) -> tuple[int, ...]:
    """The shape of a point whose filling is true."""
    if not filling.ndim:
        return ()
    return tuple(int(indices.max()) + 1 if len(indices) else 0 for indices in np.nonzero(~filling))


@guarded
def datasets_by_attribute(group: Any, attribute: str) -> Mapping[str, tuple[Any, str]]:
    """The datasets directly in the groups of ``group`` that have a text as ``attribute``: (group, name) of
    each, by that text. Links, virtual datasets and texts that several have are left out."""
    found: dict[str, tuple[Any, str] | None] = {}
    for name in group:
        if group.get(name, getlink=True, default=None).__class__ is not h5py.HardLink:
            continue
        child = group.get(name)
        if not isinstance(child, h5py.Group):
            continue
        for member in child:
            if child.get(member, getlink=True).__class__ is not h5py.HardLink:
                continue
            item = child.get(member)
            if isinstance(item, h5py.Dataset) and not item.is_virtual:
                text = item.attrs.get(attribute)
                if isinstance(text, str):
                    found[text] = None if text in found else (child, member)
    return {text: place for text, place in found.items() if place is not None}
