import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    SCHEMES,
    ChunkOptions,
    UnknownCompression,
    chunk_shape,
    compression,
    expected_shape,
)

DEFAULT = ChunkOptions()


@pytest.mark.parametrize(
    ("scan_shape", "point_shape", "item_nbytes", "options", "chunk"),
    [
        ((0,), (), 8, DEFAULT, (512,)),
        ((100,), (), 8, DEFAULT, (100,)),
        ((1_000_000,), (), 8, DEFAULT, (131072,)),
        ((1000,), (1024,), 4, DEFAULT, (250, 256)),
        ((100,), (2048, 2048), 2, DEFAULT, (2, 512, 512)),
        ((0,), (1024,), 4, DEFAULT, (128, 256)),
        ((50,), (1000,), 4, ChunkOptions(chunk_nbytes=10485), (11, 250)),
        ((50,), (1000,), 4, ChunkOptions(chunk_nbytes=10485, chunk_split=2), (6, 500)),
        ((50,), (1,), 8, DEFAULT, (50, 1)),
        ((0,), (3,), 8, DEFAULT, (512, 3)),
        ((0,), (0,), 8, ChunkOptions(chunk_nbytes=2**30), (512, 512)),
        ((0,), (-1,), 8, ChunkOptions(chunk_nbytes=2**30), (512, 512)),
        ((1_000_000,), (), 0, DEFAULT, (1_000_000,)),
        ((10,), (10,), 8, ChunkOptions(chunk_nbytes=4), (1, 1)),
    ],
)
def test_chunks_are_those_of_the_classic_writer(
    scan_shape: tuple[int, ...],
    point_shape: tuple[int, ...],
    item_nbytes: int,
    options: ChunkOptions,
    chunk: tuple[int, ...],
) -> None:
    assert chunk_shape(expected_shape(scan_shape, point_shape), item_nbytes, options) == chunk


def test_strings_beyond_what_hdf5_takes_are_cut() -> None:
    chunk = chunk_shape((10**9,), 0, DEFAULT)
    assert math.prod(chunk) * 16 <= 2**20


@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=4).map(tuple),
    st.sampled_from([1, 2, 4, 8, 16, 32]),
    st.integers(1, 2**22),
    st.integers(1, 8),
)
def test_no_chunk_is_larger_than_the_dataset(
    shape: tuple[int, ...], item_nbytes: int, chunk_nbytes: int, split: int
) -> None:
    chunk = chunk_shape(shape, item_nbytes, ChunkOptions(chunk_nbytes=chunk_nbytes, chunk_split=split))
    assert len(chunk) == len(shape)
    assert all(1 <= c <= n for c, n in zip(chunk, shape, strict=True))
    # each rounding up at most doubles a length, and only the last one cut can exceed the limit
    assert math.prod(chunk) * item_nbytes < 2 * max(chunk_nbytes, item_nbytes) or chunk == shape


@pytest.mark.parametrize(
    ("shape", "limit", "compressed"),
    [((131072,), 2**20, False), ((131073,), 2**20, True), ((10,), 79, True), ((10,), 80, False)],
)
def test_only_what_exceeds_the_limit_is_compressed(shape: tuple[int], limit: int, compressed: bool) -> None:
    options = ChunkOptions(compression_limit_nbytes=limit)
    assert compression(shape, 8, options) == ("gzip-byteshuffle" if compressed else "none")


def test_a_dataset_of_one_chunk_may_be_compressed() -> None:
    options = ChunkOptions(chunk_nbytes=2**30, compression_scheme="GZIP")
    assert chunk_shape((10**6,), 8, options) == (10**6,)
    assert compression((10**6,), 8, options) == "gzip"


def test_options_come_from_a_scan_info_that_holds_only_what_was_set() -> None:
    assert ChunkOptions.from_info(None) == ChunkOptions.from_info({}) == DEFAULT
    info = {"chunk_nbytes": 10485.0, "chunk_split": None, "compression_scheme": "None", "other": 1}
    assert ChunkOptions.from_info(info) == ChunkOptions(10485, 4, 2**20, "None")


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownCompression, match="lz4-bitshuffle"):
        ChunkOptions(compression_scheme="rar")
    for scheme in SCHEMES:
        assert ChunkOptions(compression_scheme=scheme.upper())
