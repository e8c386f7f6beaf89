"""Positions along the axis of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.layout.grid_axis import GridAxis
from nexus_writer.model import Block, ScanAxis

FAST = [0.0, 0.25, 0.5, 0.75, 1.0]
SLOW = np.repeat([0.0, 0.667, 1.333, 2.0], 5).tolist()
NAN = float("nan")


def measured(axis: GridAxis, values: Sequence[float], cut: int = 100) -> GridAxis:
    array = np.array(values)
    axis.add([Block("", start, array[start : start + cut]) for start in range(0, len(array), cut)])
    return axis


def fast(values: Sequence[float], announced: ScanAxis | None = None, **cut: int) -> GridAxis:
    return measured(GridAxis(5, 1, announced), values, **cut)


def slow(values: Sequence[float], announced: ScanAxis | None = None, **cut: int) -> GridAxis:
    return measured(GridAxis(4, 5, announced, slow=True), values, **cut)


@pytest.mark.parametrize(
    ("values", "announced", "positions"),
    [
        (FAST * 3, None, FAST),
        ([0, 0.25, 0.5, 0.75, 1, 0.2, 0.45, 0.7, 0.95, 1.2], None, [0.1, 0.35, 0.6, 0.85, 1.1]),
        (FAST[:2], None, FAST),
        ([5.0], None, [5, 6, 7, 8, 9]),
        ([5.0], ScanAxis(0, 1), [5, 5.25, 5.5, 5.75, 6]),
        ([5.0], ScanAxis(0, 1, 5), [5, 5.25, 5.5, 5.75, 6]),
        ([5.0], ScanAxis(0, 1, 7), [5, 6, 7, 8, 9]),
        ([5.0, 5.3, NAN], ScanAxis(0, 1, 5), [5, 5.3, 5.55, 5.8, 6.05]),
        ([], ScanAxis(0, 1, 5), FAST),
        ([], ScanAxis(1, 0, 5), FAST[::-1]),
        ([], None, [0, 1, 2, 3, 4]),
        ([NAN, NAN], None, [0, 1, 2, 3, 4]),
        ([2.0] * 10, None, [2, 2, 2, 2, 2]),
        ([2.0] * 3, ScanAxis(1, 1, 5), [2, 2, 2, 2, 2]),
        ([1, 0.75, 0.5], None, FAST[::-1]),
    ],
)
def test_fast_axis(values: Any, announced: ScanAxis | None, positions: list[float]) -> None:
    np.testing.assert_allclose(fast(values, announced).positions(), positions, atol=1e-12)


@pytest.mark.parametrize(
    ("values", "announced", "positions"),
    [
        (SLOW, None, [0, 0.667, 1.333, 2]),
        (SLOW[:12], ScanAxis(0, 2, 4), [0, 0.667, 1.333, 2]),
        (SLOW[:12], ScanAxis(10, 12, 4), [0, 0.667, 1.333, 2]),
        (SLOW[:1], ScanAxis(0, 2, 4), [0, 2 / 3, 4 / 3, 2]),
        ([*SLOW, 3.0], None, [0, 0.667, 1.333, 2, 3]),
    ],
)
def test_slow_axis(values: Any, announced: ScanAxis | None, positions: list[float]) -> None:
    np.testing.assert_allclose(slow(values, announced).positions(), positions, atol=1e-3)


def test_measured_places_are_exact() -> None:
    """They are no fit: 0 is 0, and steps may differ."""
    places = [0.0, 0.1, 0.5, 2.0, 7.0]
    assert fast(places * 3).positions().tolist() == places
    assert fast((places + places[::-1]) * 2).positions().tolist() == places


@pytest.mark.parametrize(
    ("values", "announced", "expected"),
    [
        (FAST, False, False),
        (FAST, True, True),
        (FAST + FAST, True, False),
        (FAST + FAST[::-1], False, True),
        ([*FAST, 0.97], False, True),
        ([*FAST, 0.03], True, False),
        ([*FAST, NAN], True, True),
        ([1.0] * 6, True, True),
        ([1.0] * 6, False, False),
        ([], True, True),
    ],
)
def test_back_and_forth_as_measured_then_as_announced(
    values: list[float], announced: bool, expected: bool
) -> None:
    axis = ScanAxis(0, 1, 5, back_and_forth=announced)
    for cut in (1, 4, 100):
        assert fast(values, axis, cut=cut).back_and_forth is expected


def test_a_slow_axis_never_turns() -> None:
    assert not slow(SLOW, ScanAxis(0, 2, 4, back_and_forth=True)).back_and_forth


def test_an_axis_with_one_place_never_turns() -> None:
    axis = measured(GridAxis(1, 1, ScanAxis(0, 0, 1, back_and_forth=True)), [1.0, 1.0])
    assert not axis.back_and_forth
    assert axis.positions().tolist() == [1]


@pytest.mark.parametrize("announced", [ScanAxis(0, 1, 5), None])
def test_jitter_keeps_the_order(announced: ScanAxis | None) -> None:
    positions = fast([0.0, 0.3, 0.2, 0.8, 1.0] * 2, announced).positions()
    assert np.all(np.diff(positions) > 0)
    np.testing.assert_allclose(np.diff(positions), 0.25)


@given(st.integers(0, 40), st.lists(st.integers(1, 7), max_size=30), st.booleans())
def test_any_cut_gives_the_same(points: int, cuts: list[int], turns: bool) -> None:
    values = np.array(((FAST + (FAST[::-1] if turns else FAST)) * 4)[:points], dtype=float)
    at_once = fast(values.tolist())
    in_parts = GridAxis(5, 1, None)
    start = 0
    for length in [*cuts, 1000]:
        in_parts.add([Block("", start, values[start : start + length])])
        in_parts.add([Block("", 0, values[: start + length])])
        start += length
    assert in_parts.back_and_forth == at_once.back_and_forth
    np.testing.assert_array_equal(in_parts.positions(), at_once.positions())


def test_integers_are_positions_and_texts_are_not() -> None:
    axis = GridAxis(2, 1, None)
    axis.add([Block("", 0, np.array([1, 3])), Block("", 2, np.array(["a"], dtype=object))])
    assert axis.positions().tolist() == [1, 3]


def test_points_that_come_again_count_once() -> None:
    values = np.array([0.0, 1.0, 0.2, 1.2])
    axis = GridAxis(2, 1, None)
    for stop in (2, 2, 4):
        axis.add([Block("", 0, values[:stop])])
    np.testing.assert_allclose(axis.positions(), [0.1, 1.1])
