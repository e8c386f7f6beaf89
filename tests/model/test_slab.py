"""Parts of arrays."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.model import Slab, boxes

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def selected(slab: Slab, shape: tuple[int, ...]) -> list[int]:
    """The C-order indices of the elements of a slab, in the order of the array."""
    indices = np.arange(prod(shape)).reshape(shape)
    parts = tuple(
        slice(start, None if count is None else start + count * stride, stride)
        for start, count, stride in zip(slab.start, slab.count, slab.stride, strict=True)
    )
    return [int(i) for i in indices[parts].ravel()]


@given(SHAPES, st.data())
def test_boxes_are_the_range_in_order(shape: tuple[int, ...], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, prod(shape)))
    stop = data.draw(st.integers(start, prod(shape)))
    found = [index for box in boxes(start, stop, shape) for index in selected(box, shape)]
    assert found == list(range(start, stop))


def test_as_few_boxes_as_possible() -> None:
    assert list(boxes(0, 24, (2, 3, 4))) == [Slab.box((0, 0, 0), (2, 3, 4))]
    assert len(list(boxes(1, 23, (2, 3, 4)))) == 4
    assert list(boxes(5, 5, (2, 3, 4))) == []


def test_the_first_dimension_has_no_end() -> None:
    assert list(boxes(6, 14, (2, 4))) == [
        Slab.box((1, 2), (1, 2)),
        Slab.box((2, 0), (1, 4)),
        Slab.box((3, 0), (1, 2)),
    ]
