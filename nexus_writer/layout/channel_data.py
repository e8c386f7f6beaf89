"""The points of one channel in its entry."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Protocol

import numpy.typing as npt

from nexus_writer.hdf5 import (
    ChunkOptions,
    Digests,
    EntryExists,
    GridDataset,
    GrowingDataset,
    PointDataset,
    PointsRefused,
    points_dataset,
    set_attributes,
)
from nexus_writer.model import Block, ChannelDescription

from .interpretation import interpretation
from .padding import SUFFIX, PaddingMask
from .place import Place

NUMBERS = "biufc"
"""Kinds of dtypes whose points may have a mask; texts that lack are empty."""

FULL_NAME = "fullname"
"""The attribute of a dataset that names its channel as published: the way back from the names in a file."""


class DatasetView(Protocol):
    """What others want to know of a channel's dataset; ``shape`` ends with ``point_shape``."""

    @property
    def path(self) -> str: ...
    @property
    def points(self) -> int: ...
    @property
    def gaps(self) -> Sequence[tuple[int, int]]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def point_shape(self) -> tuple[int, ...]: ...


class ChannelData:
    """A dataset that is made with the channel's first point, so that a channel without any leaves none."""

    def __init__(
        self,
        channel: ChannelDescription,
        place: Place,
        group: Any,
        *,
        scan_shape: tuple[int, ...],
        chunking: ChunkOptions,
        unit: str | None,
    ) -> None:
        self.channel = channel
        self.place = place
        self.unit = channel.unit or place.unit or unit
        self.group = group
        self._scan_shape = scan_shape
        self._chunking = chunking
        self._dataset: GrowingDataset | PointDataset | None = None
        self._mask: PaddingMask | None = None

    @property
    def points(self) -> int:
        return 0 if self._dataset is None else self._dataset.points

    @property
    def gaps(self) -> Sequence[tuple[int, int]]:
        """Ranges of points that never came, [start, stop) from the scan's first point."""
        return () if self._dataset is None else self._dataset.gaps

    @property
    def has_dataset(self) -> bool:
        return self._dataset is not None

    @property
    def dataset(self) -> DatasetView:
        """There is one."""
        assert self._dataset is not None
        return self._dataset

    @property
    def _grid_rank(self) -> int:
        return len(self._scan_shape) if len(self._scan_shape) > 1 else 0

    @property
    def virtual(self) -> bool:
        """Whether the dataset shows what lies in other files."""
        return False

    def create(self, values: npt.NDArray[Any]) -> None:
        """Make the dataset, empty. It is as declared, unless the first points, ``values``, do not fit."""
        self.channel = self.channel.fitting(values)
        shape = self.channel.shape
        self._dataset = points_dataset(
            self.group,
            self.place.dataset,
            self.channel.dtype,
            shape,
            scan_shape=self._scan_shape,
            chunking=self._chunking,
            attributes=self.attributes(),
            digested=True,
        )
        has_holes = bool(shape or self._grid_rank) and self.channel.dtype.kind in NUMBERS
        if has_holes and isinstance(self._dataset, GrowingDataset):
            make = partial(
                _mask_dataset, self.group, self.place.dataset, shape, self._scan_shape, self._chunking
            )
            self._mask = PaddingMask(self._dataset, make)

    def attributes(self) -> dict[str, str]:
        """Of the dataset."""
        attributes = {FULL_NAME: self.channel.name}
        shown_as = interpretation(len(self.channel.shape), self._grid_rank)
        if shown_as:
            attributes["interpretation"] = shown_as
        if self.unit:
            attributes["units"] = self.unit
        return attributes

    def append(self, blocks: Sequence[Block]) -> int:
        """Bytes of values written. The dataset is there."""
        dataset = self._dataset
        assert dataset is not None
        if self._mask is None:
            return dataset.append(blocks)
        points, gaps = dataset.points, dataset.gaps
        try:
            nbytes = dataset.append(blocks)
        except PointsRefused:
            self._mask.follow(blocks, points, gaps)
            raise
        self._mask.follow(blocks, points, gaps)
        return nbytes

    def finish(self) -> None:
        """No more points will come: tell a 0 that was measured from a place of the grid without a point."""
        if self._dataset is None:
            return
        has_holes = isinstance(self._dataset, GridDataset) and bool(self._dataset.unfilled)
        if has_holes and self._mask is not None and self.channel.dtype.kind in "biu":
            self._mask.require()
        self._dataset.finish()
        if self._mask is not None:
            self._mask.finish()

    def digests(self) -> Iterator[tuple[str, Digests | None]]:
        """After :meth:`finish`: of each dataset of points by its path; None where there is none to be had.
        Raises FileBroken."""
        if self._dataset is not None:
            yield self._dataset.path, self._dataset.digests()
        if self._mask is not None and self._mask.made is not None:
            yield self._mask.made.path, self._mask.made.digests()

    def set_unit(self, unit: str | None) -> None:
        """The unit as the scan's end knows it. The channel's own comes first; none changes nothing."""
        unit = self.channel.unit or self.place.unit or unit
        if unit and unit != self.unit:
            self.unit = unit
            if self._dataset is not None:
                set_attributes(self.group[self.place.dataset], {"units": unit})


def _mask_dataset(
    group: Any, name: str, shape: tuple[int, ...], scan_shape: tuple[int, ...], chunking: ChunkOptions
) -> GrowingDataset:
    """Of the dataset ``name``, under a name that is free. No method: a mask that held its channel would keep
    both, with what HDF5 has open of them, until they are collected."""
    kind = GrowingDataset if len(scan_shape) == 1 else GridDataset
    free = f"{name}{SUFFIX}"
    for number in itertools.count(2):
        try:
            return kind(
                group, free, bool, shape, scan_shape=scan_shape, chunking=chunking, fill=True, digested=True
            )
        except EntryExists:
            free = f"{name}{SUFFIX}_{number}"
    raise AssertionError("there are always more numbers")
