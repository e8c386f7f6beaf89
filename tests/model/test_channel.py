"""What a channel declares, and what it turns out to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nexus_writer.model import Channel, ChannelDescription


def described(dtype: Any, shape: tuple[int, ...] = ()) -> ChannelDescription:
    return ChannelDescription("session:1_scan:timer:ctl:x", "ctl:x", np.dtype(dtype), shape, "mm")


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        (float, (), np.array([1, 2])),
        (float, (), np.array([True])),
        (complex, (), np.array([1.5])),
        (np.float32, (), np.array([1.5])),
        (np.uint8, (), np.array([1])),
        (">i4", (), np.array([1])),
        (float, (), np.array([1.5, None], dtype=object)),
        (float, (), np.empty(0, dtype=object)),
        (object, (), np.array([1.5])),
        ("U10", (), np.array(["a"])),
        (int, (0,), np.zeros((1, 5), int)),
        (int, (5,), np.zeros((1, 3), int)),
        (int, (-1, -1), np.zeros((1, 3, 4), int)),
        (int, (), np.zeros((2, 1), int)),
        (int, (4,), np.zeros(2, int)),
        (int, (3,), np.zeros((2, 1, 3), int)),
    ],
)
def test_what_was_declared_counts(dtype: Any, shape: tuple[int, ...], values: Any) -> None:
    assert described(dtype, shape).fitting(values) == described(dtype, shape)


@pytest.mark.parametrize(
    ("declared", "values", "seen"),
    [
        (int, np.array([1.5]), float),
        (bool, np.array([3], "u2"), np.uint16),
        (float, np.array([1j]), complex),
        (np.float32, np.array(["a"]), object),
        (float, np.array(["a", "b"], dtype=object), object),
        (int, np.array([b"a"], dtype=object), object),
        (int, np.array([b"a"]), object),
    ],
)
def test_a_type_that_would_cost_the_points_gives_way(declared: Any, values: Any, seen: Any) -> None:
    assert described(declared).fitting(values) == described(seen)


@pytest.mark.parametrize(("shape", "point"), [((), (3,)), ((4,), (2, 3)), ((), (1, 2, 1))])
def test_a_rank_that_would_cost_the_points_gives_way(shape: tuple[int, ...], point: tuple[int, ...]) -> None:
    assert described(int, shape).fitting(np.zeros((2, *point), int)) == described(int, point)


def test_parts_of_a_name() -> None:
    assert Channel("a:b:c").parts == ("a", "b", "c")
