"""Large points, parts of which lie in several chunks, are where HDF5 would have put them."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import ChunkOptions, GridDataset, GrowingDataset, LiveFile, growing
from nexus_writer.hdf5.split_chunks import SplitChunks
from nexus_writer.model import Block

from .conftest import as_after_a_kill, block, new_file, read_back

SPLIT = ChunkOptions(chunk_nbytes=64, compression_scheme="none")
POINTS = 12


def refuse(*_: object) -> None:
    raise AssertionError("HDF5 is to write this point")


def frames(dtype: str, shape: tuple[int, ...], points: int = POINTS) -> npt.NDArray[Any]:
    return (np.arange(points * int(np.prod(shape))) % 101).reshape(points, *shape).astype(dtype)


def unaligned(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A view of bytes at an odd place, as points have in their pickle."""
    data = b"x" + values.tobytes()
    return np.frombuffer(data, values.dtype, values.size, 1).reshape(values.shape)


@settings(deadline=None, max_examples=80)
@given(
    dtype=st.sampled_from(["f8", ">f4", "u2", "?"]),
    scan_shape=st.sampled_from([(POINTS,), (0,), (7,), (3, 4), (2, 2, 2)]),
    point=st.sampled_from([(9,), (40,), (5, 7), (2, 3, 11)]),
    cuts=st.lists(st.integers(1, POINTS), max_size=4),
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
    """What lacks between the points that came is filled up, at every flush, also in an old place."""
    kind = GrowingDataset if len(scan_shape) == 1 else GridDataset
    values = frames(dtype, point)
    pieces = [(low, values[low:high]) for low, high in itertools.pairwise(sorted({0, POINTS, *cuts}))]
    order.shuffle(pieces)
    options = ChunkOptions(chunk_nbytes=200, compression_scheme="none")
    with new_file() as live:
        dataset = kind(live.root, "data", dtype, point, scan_shape=scan_shape, chunking=options)
        expected = dataset._storage.empty((POINTS, *point))
        for start, part in pieces:
            dataset.append([block(start, unaligned(part))])
            expected[start : start + len(part)] = part
            if flushed:
                live.flush()
                found = read_back(live, "data").reshape(-1, *point)[:POINTS]
                assert np.array_equal(found, expected[: len(found)], equal_nan="f" in dtype)
        live.flush()
        assert np.array_equal(read_back(live, "data").reshape(-1, *point)[:POINTS], values)


def test_hdf5_writes_no_point(live: LiveFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "write_rows", refuse)
    dataset = GrowingDataset(live.root, "data", "u2", (6, 10), scan_shape=(POINTS,), chunking=SPLIT)
    values = frames("u2", (6, 10))
    dataset.append([Block("c", point, unaligned(values[point : point + 1])) for point in range(POINTS)])
    live.flush()
    assert isinstance(dataset._chunks, SplitChunks)
    assert not dataset._chunks._rows
    assert np.array_equal(read_back(live, "data"), values)


def test_nobody_sees_a_point_before_the_flush(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "data", "f8", (20,), scan_shape=(POINTS,), chunking=SPLIT)
    values = frames("f8", (20,))
    dataset.append([block(0, values[:1])])
    live.flush()
    dataset.append([block(1, values[1:5])])
    with as_after_a_kill(live) as file:
        assert np.array_equal(file["data"][()], values[:1])


def test_points_of_other_shapes_are_filled_up(live: LiveFile) -> None:
    """Narrower ones, wider ones that need more chunks, and narrower ones after those."""
    dataset = GrowingDataset(live.root, "data", "f8", (20,), scan_shape=(POINTS,), chunking=SPLIT)
    expected = np.full((6, 30), np.nan)
    for point, length in enumerate([20, 3, 30, 7, 0, 20]):
        expected[point, :length] = point
        dataset.append([block(point, np.full((1, length), float(point)))])
        live.flush()
    assert np.array_equal(read_back(live, "data"), expected, equal_nan=True)


def test_a_length_that_nobody_knows_is_that_of_the_points(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "data", "i4", (0,), scan_shape=(4,))
    dataset.append([block(0, [[1, 2, 3]])])
    dataset.append([block(2, [[4, 5, 6]])])
    live.flush()
    assert read_back(live, "data").tolist() == [[1, 2, 3], [0, 0, 0], [4, 5, 6]]


def test_a_chunk_that_begins_is_not_written_as_a_whole(live: LiveFile) -> None:
    options = ChunkOptions(chunk_nbytes=2**20, compression_scheme="none")
    dataset = GrowingDataset(live.root, "data", "f8", (1024,), scan_shape=(2000,), chunking=options)
    before = nbytes_written()
    dataset.append([block(0, frames("f8", (1024,), 3))])
    live.flush()
    assert nbytes_written() - before < 2**20
    with h5py.File(live.path, "r", locking=False) as file:
        assert file["data"].id.get_num_chunks() == 4


def nbytes_written() -> int:
    """By this process, to anything."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))
