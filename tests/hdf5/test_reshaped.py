"""Virtual datasets onto datasets of the same file, as a reader finds them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    NOT_MEASURED,
    ChunkOptions,
    EntryExists,
    GrowingDataset,
    LiveFile,
    create_reshaped,
    create_stacked,
    unlink,
    write_value,
)
from nexus_writer.model import GridOrder

from .conftest import as_after_a_kill, block, new_file, read_back

FLOAT = np.dtype(float)
SNAKE = GridOrder((3, 4), (False, True))


def expected(order: GridOrder, points: int) -> np.ndarray:
    """A grid on which point n has the value n."""
    return np.where(order.points() < points, order.points(), np.nan)


@pytest.mark.parametrize(
    "order", [GridOrder.forward((3, 4)), SNAKE, GridOrder((2, 2, 3), (False, True, True))]
)
def test_a_grid_fills_by_itself(live: LiveFile, order: GridOrder) -> None:
    """Also before its source exists, and when more points come than the grid has places for."""
    create_reshaped(live.root, "grid", "/flat", order.growing(), shape=order.shape, dtype=FLOAT, grows=True)
    assert np.isnan(read_back(live, "grid")).all()
    flat = GrowingDataset(live.root, "flat", np.int32, ())
    size = prod(order.shape)
    for points in range(size + 1):
        if points:
            flat.append([block(points - 1, [points - 1], np.int32)])
        np.testing.assert_array_equal(read_back(live, "grid"), expected(order, points))
    flat.append([block(size, [size], np.int32)])
    np.testing.assert_array_equal(read_back(live, "grid"), expected(order.with_rows_for(size + 1), size + 1))


def test_a_growing_grid_of_spectra(live: LiveFile) -> None:
    flat = GrowingDataset(live.root, "flat", np.uint16, (5,))
    order = GridOrder.forward((2, 3))
    create_reshaped(
        live.root, "grid", "/flat", order.growing(), shape=(2, 3), point_shape=(5,), dtype=FLOAT, grows=True
    )
    spectra = np.arange(20).reshape(4, 5)
    flat.append([block(0, spectra, np.uint16)])
    grid = read_back(live, "grid")
    assert grid.shape == (2, 3, 5)
    np.testing.assert_array_equal(grid.reshape(6, 5)[:4], spectra)
    assert np.isnan(grid[1, 1:]).all()


def test_a_grid_beyond_the_points_of_a_compressed_source(live: LiveFile) -> None:
    """The writer stores chunks that are not full in a way of its own."""
    small = ChunkOptions(chunk_nbytes=64, compression_limit_nbytes=0)
    flat = GrowingDataset(live.root, "flat", float, (), scan_shape=(100,), chunking=small)
    order = GridOrder((10, 10), (False, True))
    create_reshaped(live.root, "grid", "/flat", order.growing(), shape=order.shape, dtype=FLOAT, grows=True)
    for start in range(0, 70, 7):
        flat.append([block(start, np.arange(start, start + 7.0))])
        np.testing.assert_array_equal(read_back(live, "grid"), expected(order, start + 7))


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_points_in_ranges(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    turns = data.draw(st.lists(st.booleans(), min_size=len(shape) - 1, max_size=len(shape) - 1))
    order = GridOrder(shape, (False, *turns))
    size = prod(shape)
    edges = sorted(data.draw(st.sets(st.integers(0, size), max_size=4)))
    ranges = list(zip(edges[::2], edges[1::2], strict=False))
    measured = np.zeros(size, dtype=bool)
    for start, stop in ranges:
        measured[start:stop] = True
    with new_file() as live:
        write_value(live.root, "flat", np.arange(size))
        write_value(live.root, "kept", np.arange(size).reshape(shape))
        for name, kept in (("flat", False), ("kept", True)):
            pieces = order.filled(ranges, kept=kept)
            create_reshaped(live.root, f"of_{name}", f"/{name}", pieces, shape=shape, dtype=FLOAT)
            found = read_back(live, f"of_{name}")
            np.testing.assert_array_equal(found, np.where(measured[order.points()], order.points(), np.nan))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", ">i4", ">f8", "c8", "c16"]
)
def test_every_number_with_nan(live: LiveFile, dtype: str) -> None:
    values = np.array([0, 1, 1, 0]).astype(dtype)
    flat = GrowingDataset(live.root, "flat", dtype, ())
    flat.append([block(0, values)])
    shown = np.dtype(dtype) if np.dtype(dtype).kind in "fc" else FLOAT
    order = GridOrder.forward((2, 3))
    create_reshaped(live.root, "grid", "/flat", order.growing(), shape=(2, 3), dtype=shown, grows=True)
    grid = read_back(live, "grid").ravel()
    np.testing.assert_array_equal(grid[:4], values.astype(shown))
    assert np.isnan(grid[4:]).all()


def test_as_it_is_where_nothing_is_missing(live: LiveFile) -> None:
    write_value(live.root, "flat", np.arange(6, dtype=">u2"))
    order = GridOrder.forward((2, 3))
    create_reshaped(
        live.root,
        "grid",
        "/flat",
        order.filled([(0, 6)]),
        shape=(2, 3),
        dtype=np.dtype(">u2"),
        attributes={"interpretation": "image", "units": None},
    )
    live.flush()
    with as_after_a_kill(live) as file:
        grid = file["grid"]
        assert grid.dtype == np.dtype(">u2")
        assert dict(grid.attrs) == {"interpretation": "image"}
        (source,) = grid.virtual_sources()
        assert (source.file_name, source.dset_name) == (".", "/flat")
        assert grid[()].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_only_a_growing_grid_has_a_source_that_does_not_exist(live: LiveFile) -> None:
    order = GridOrder.forward((2, 3))
    create_reshaped(live.root, "a", "/flat", order.growing(), shape=(2, 3), dtype=FLOAT, grows=True)
    create_reshaped(live.root, "b", "/flat", order.filled([(0, 4)]), shape=(2, 3), dtype=FLOAT)
    live.flush()
    with as_after_a_kill(live) as file:
        assert NOT_MEASURED in {source.dset_name for source in file["a"].virtual_sources()}
        assert {source.dset_name for source in file["b"].virtual_sources()} == {"/flat"}


def test_a_name_that_is_taken(live: LiveFile) -> None:
    write_value(live.root, "grid", 1)
    with pytest.raises(EntryExists):
        create_reshaped(live.root, "grid", "/flat", [], shape=(2, 3), dtype=FLOAT)
    with pytest.raises(EntryExists):
        create_stacked(live.root, "grid", [("/flat", (3,))], dtype=FLOAT)


@pytest.mark.parametrize(
    ("second", "expected"),
    [([[4, 5, 6]], [[[1, 2, 3]], [[4, 5, 6]]]), ([[4, 5]], [[[1, 2, 3]], [[4, 5, np.nan]]])],
)
def test_stacked(live: LiveFile, second: Any, expected: Any) -> None:
    write_value(live.root, "a", np.array([[1, 2, 3]]))
    write_value(live.root, "b", np.array(second))
    sources = [("/a", (1, 3)), ("/b", np.shape(second))]
    create_stacked(live.root, "both", sources, dtype=FLOAT, attributes={"units": "s"})
    np.testing.assert_array_equal(read_back(live, "both"), expected)
    with as_after_a_kill(live) as file:
        assert dict(file["both"].attrs) == {"units": "s"}


def test_unlink(live: LiveFile) -> None:
    write_value(live.root, "group/value", 1)
    unlink(live.root, "group")
    unlink(live.root, "nothing")
    assert list(live.root) == []
