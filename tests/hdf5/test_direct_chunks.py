"""Points that go to their chunks past HDF5 are where HDF5 would have put them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import GridDataset, GrowingDataset, LiveFile, create_group, direct_chunks, growing

from .conftest import as_after_a_kill, block, new_file, read_back


def refuse(*_: object) -> None:
    raise AssertionError("HDF5 is to write this point")


@settings(deadline=None, max_examples=60)
@given(
    dtype=st.sampled_from(["f8", ">f4", "i2", "c16", "?"]),
    scan_shape=st.sampled_from([(10,), (3, 4), (5, 2, 2)]),
    point=st.sampled_from([(), (3,)]),
    cuts=st.lists(st.integers(1, 60), max_size=6),
    order=st.randoms(use_true_random=False),
    flushed=st.booleans(),
)
def test_in_any_order_each_point_is_at_its_place(
    dtype: str,
    scan_shape: tuple[int, ...],
    point: tuple[int, ...],
    cuts: list[int],
    order: random.Random,
    flushed: bool,
) -> None:
    """Chunks begin, get full and are forgotten; some points come late, some chunks are beyond the scan."""
    kind = GrowingDataset if len(scan_shape) == 1 else GridDataset
    edges = sorted({0, 60, *cuts})
    values = (np.arange(60 * (3 if point else 1)) % 7).reshape(60, *point).astype(dtype)
    pieces = [(low, values[low:high]) for low, high in itertools.pairwise(edges)]
    order.shuffle(pieces)
    with new_file() as live:
        dataset = kind(live.root, "data", np.dtype(dtype), point, scan_shape=scan_shape)
        for start, part in pieces:
            assert dataset.append([block(start, part)])
            if flushed:
                live.flush()
        live.flush()
        saved = read_back(live, "data").reshape(-1, *point)[:60]
        assert saved.dtype == values.dtype
        assert np.array_equal(saved, values)


def test_a_point_costs_no_write_of_hdf5(live: LiveFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "write_rows", refuse)
    dataset = GrowingDataset(live.root, "data", "f8", (), scan_shape=(4,))
    for point in range(10):
        dataset.append([block(point, [float(point)])])
        live.flush()
        assert read_back(live, "data").tolist() == list(range(point + 1))


def test_nobody_sees_a_point_before_the_flush(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "data", "f8", (), scan_shape=(4,))
    dataset.append([block(0, [1.0])])
    live.flush()
    dataset.append([block(1, [2.0])])
    with as_after_a_kill(live) as file:
        assert file["data"][()].tolist() == [1.0]


def test_points_of_another_shape_are_left_to_hdf5(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "data", "f8", (2,), scan_shape=(4,))
    dataset.append([block(0, [[1, 2]])])
    dataset.append([block(1, [[1, 2, 3]])])
    dataset.append([block(2, [[4, 5]])])
    live.flush()
    expected = [[1, 2, np.nan], [1, 2, 3], [4, 5, np.nan]]
    assert np.array_equal(read_back(live, "data"), expected, equal_nan=True)


def test_the_place_of_a_chunk_is_that_which_hdf5_names(live: LiveFile) -> None:
    """Whatever else is written meanwhile: there is as little memory for metadata as HDF5 takes."""
    dataset = GrowingDataset(live.root, "data", "f8", (), scan_shape=(8,))
    for number in range(200):
        create_group(live.root, f"group{number}", "NXcollection")
        dataset.append([block(number * 8, np.arange(3.0))])
        chunks: direct_chunks.DirectChunks = dataset._chunks
        info = dataset._id.get_chunk_info_by_coord((number * 8,))
        assert chunks._chunks[number] == (info.byte_offset, 3)
