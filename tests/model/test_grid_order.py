"""The order in which a grid is measured, held against a motor that is moved step by step."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.model import GridOrder, Piece

from .test_slab import selected


def visited(shape: tuple[int, ...], back_and_forth: tuple[bool, ...]) -> Iterator[tuple[int, ...]]:
    """The places of a grid in the order of a scan: an axis turns round at its end, or begins again."""
    place = [0] * len(shape)
    step = [1] * len(shape)
    yield tuple(place)
    for _ in range(prod(shape) - 1):
        axis = len(shape) - 1
        while not 0 <= place[axis] + step[axis] < shape[axis]:
            if back_and_forth[axis]:
                step[axis] = -step[axis]
            else:
                place[axis] = 0
            axis -= 1
        place[axis] += step[axis]
        yield tuple(place)


@st.composite
def orders(draw: st.DrawFn) -> GridOrder:
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    turns = draw(st.lists(st.booleans(), min_size=len(shape) - 1, max_size=len(shape) - 1))
    return GridOrder(shape, (False, *turns))


def shown(pieces: Iterator[Piece], order: GridOrder, points: int, source: tuple[int, ...]) -> np.ndarray:
    """The grid of point numbers that the pieces make of ``points`` points; -1 where there is none."""
    grid = np.full(prod(order.shape), -1)
    for piece in pieces:
        targets = selected(piece.target, order.shape)
        sources = [i for i in selected(piece.source, source) if i < points]
        for target, point in zip(targets, sources, strict=False):
            assert grid[target] == -1, "no place is shown twice"
            grid[target] = point
    return grid.reshape(order.shape)


@given(orders())
def test_points_are_where_the_motors_were(order: GridOrder) -> None:
    points = order.points()
    for point, place in enumerate(visited(order.shape, order.back_and_forth)):
        assert points[place] == point


@given(orders(), st.data())
def test_a_growing_grid_shows_what_there_is(order: GridOrder, data: st.DataObject) -> None:
    size = prod(order.shape)
    points = data.draw(st.integers(0, size))
    expected = np.where(order.points() < points, order.points(), -1)
    pieces = list(order.growing())
    assert len(pieces) <= order.growing_count
    np.testing.assert_array_equal(shown(iter(pieces), order, points, (size,)), expected)


@given(orders(), st.booleans(), st.data())
def test_a_filled_grid_shows_the_ranges(order: GridOrder, kept: bool, data: st.DataObject) -> None:
    size = prod(order.shape)
    edges = sorted(data.draw(st.sets(st.integers(0, size), max_size=6)))
    ranges = list(zip(edges[::2], edges[1::2], strict=False))
    measured = np.zeros(size, dtype=bool)
    for start, stop in ranges:
        measured[start:stop] = True
    points = order.points()
    expected = np.where(measured[points], points, -1)
    source = order.shape if kept else (size,)
    np.testing.assert_array_equal(shown(order.filled(ranges, kept=kept), order, size, source), expected)


def test_all_points_in_one_direction_are_one_piece() -> None:
    assert len(list(GridOrder.forward((100, 50, 3)).filled([(0, 15_000)]))) == 1


@pytest.mark.parametrize(("points", "rows"), [(0, 4), (20, 4), (21, 5), (31, 7)])
def test_more_points_take_whole_rows(points: int, rows: int) -> None:
    order = GridOrder((4, 5), (False, True))
    assert order.with_rows_for(points) == GridOrder((rows, 5), (False, True))


@pytest.mark.parametrize("kept", [False, True])
def test_row_by_row(kept: bool) -> None:
    order = GridOrder.forward((3, 2, 2))
    pieces = list(order.rows(kept=kept))
    assert len(pieces) == 3
    source = order.shape if kept else (12,)
    np.testing.assert_array_equal(shown(iter(pieces), order, 12, source), order.points())
