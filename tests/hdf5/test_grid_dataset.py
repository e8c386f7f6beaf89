"""Datasets with the shape of a grid, and of a single point."""

from __future__ import annotations

import itertools
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    ChunkOptions,
    GridDataset,
    LiveFile,
    PointsRefused,
)
from nexus_writer.model import Block

from .conftest import as_after_a_kill, block, new_file, read_back


@pytest.mark.parametrize(("dtype", "fill"), [("f8", np.nan), ("c8", np.nan), ("i4", 0), ("?", False)])
def test_filled_point_by_point(live: LiveFile, dtype: str, fill: Any) -> None:
    dataset = GridDataset(live.root, "x", dtype, (), scan_shape=(2, 3))
    values = np.full((2, 3), fill, dtype=dtype)
    np.testing.assert_array_equal(read_back(live, "x"), values)
    for point in range(6):
        dataset.append([block(point, [1], dtype)])
        values.ravel()[point] = 1
        np.testing.assert_array_equal(read_back(live, "x"), values)
    with as_after_a_kill(live) as file:
        assert file["x"].maxshape == (None, None)
        assert file["x"].chunks == (2, 3)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...], int, list[list[tuple[int, int]]]]:
    """A grid, the shape of a point, a number of points, and these cut into flushes of blocks."""
    grid = tuple(draw(st.lists(st.integers(1, 4), min_size=2, max_size=3)))
    point = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    points = draw(st.integers(0, prod(grid) + prod(grid[1:])))
    edges = [0, *sorted(draw(st.sets(st.integers(1, max(1, points - 1)), max_size=6))), points]
    blocks = [(start, stop) for start, stop in itertools.pairwise(edges) if start < stop]
    again = draw(st.lists(st.sampled_from(blocks), max_size=2)) if blocks else []
    order = draw(st.permutations([*blocks, *again]))
    flushes: list[list[tuple[int, int]]] = [[]]
    for one in order:
        flushes[-1].append(one)
        if draw(st.booleans()):
            flushes.append([])
    return grid, point, points, flushes


@settings(deadline=None, max_examples=60)
@given(cuts(), st.sampled_from(["f8", "i4", ">u2"]), st.booleans())
def test_any_cut_into_flushes_gives_the_same_file(cut: Any, dtype: str, compressed: bool) -> None:
    grid, point, points, flushes = cut
    values = np.arange(1, points * prod(point) + 1).reshape(points, *point).astype(dtype)
    with new_file() as live:
        limit_nbytes = 0 if compressed else 2**20
        chunking = ChunkOptions(chunk_nbytes=64, compression_limit_nbytes=limit_nbytes)
        dataset = GridDataset(live.root, "x", dtype, point, scan_shape=grid, chunking=chunking)
        for blocks in flushes:
            dataset.append([Block("", start, values[start:stop]) for start, stop in blocks])
        dataset.finish()
        rows = max(grid[0], -(-points // prod(grid[1:])))
        expected = np.full((rows * prod(grid[1:]), *point), np.nan if dtype == "f8" else 0).astype(dtype)
        expected[:points] = values
        found = read_back(live, "x")
        assert dataset.shape == found.shape == (rows, *grid[1:], *point)
        np.testing.assert_array_equal(found, expected.reshape(found.shape))
        assert dataset.points == points
        size = rows * prod(grid[1:])
        assert dataset.unfilled == ([(points, size)] if points < size else [])


def test_a_grid_with_holes_says_where(live: LiveFile) -> None:
    dataset = GridDataset(live.root, "x", int, (), scan_shape=(2, 3))
    dataset.append([block(0, [7, 8]), block(4, [9])])
    dataset.finish()
    assert read_back(live, "x").tolist() == [[7, 8, 0], [0, 9, 0]]
    with as_after_a_kill(live) as file:
        assert file["x"].attrs["unfilled"].tolist() == [[2, 4], [5, 6]]


def test_a_full_grid_says_nothing(live: LiveFile) -> None:
    dataset = GridDataset(live.root, "x", int, (), scan_shape=(1, 2))
    dataset.append([block(0, [7, 8])])
    dataset.finish()
    live.flush()
    with as_after_a_kill(live) as file:
        assert "unfilled" not in file["x"].attrs


def test_points_that_get_longer(live: LiveFile) -> None:
    dataset = GridDataset(live.root, "x", float, (1,), scan_shape=(2, 2))
    dataset.append([block(0, [[1.0]])])
    dataset.append([block(1, [[2.0, 3.0]]), block(2, [[4.0]])])
    assert dataset.shape == (2, 2, 2)
    assert dataset.point_shape == (2,)
    nan = np.nan
    np.testing.assert_array_equal(read_back(live, "x"), [[[1, nan], [2, 3]], [[4, nan], [nan, nan]]])


def test_texts_on_a_grid(live: LiveFile) -> None:
    dataset = GridDataset(live.root, "x", object, (), scan_shape=(2, 2))
    dataset.append([block(0, ["a", "b", "c"], object)])
    assert read_back(live, "x").tolist() == [["a", "b"], ["c", ""]]


def test_a_point_that_does_not_fit_is_refused(live: LiveFile) -> None:
    dataset = GridDataset(live.root, "x", int, (), scan_shape=(2, 2))
    with pytest.raises(PointsRefused):
        dataset.append([block(0, [1]), block(1, [0.5])])
    assert read_back(live, "x").tolist() == [[1, 0], [0, 0]]


def test_a_large_grid_is_cut_and_compressed(live: LiveFile) -> None:
    GridDataset(live.root, "x", float, (), scan_shape=(1000, 1000))
    live.flush()
    with as_after_a_kill(live) as file:
        assert file["x"].chunks == (250, 250)
        assert (file["x"].compression, file["x"].shuffle) == ("gzip", True)
        assert file["x"].id.get_storage_size() == 0
