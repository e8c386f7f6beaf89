from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    ChunkOptions,
    EntryExists,
    GrowingDataset,
    Hdf5Error,
    LiveFile,
    OpenFiles,
    PointsRefused,
    create_group,
)
from nexus_writer.model import Block

from .conftest import as_after_a_kill, block, read_back

COMPRESSED = ChunkOptions(chunk_nbytes=64, compression_limit_nbytes=0)
PLAIN = ChunkOptions(chunk_nbytes=64, compression_scheme="none")

NUMBERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g", "c8", "c16", "?"]
BIG_ENDIAN = [">i2", ">u4", ">f4", ">f8", ">c16"]


@pytest.mark.parametrize("dtype", NUMBERS + BIG_ENDIAN)
@pytest.mark.parametrize("options", [ChunkOptions(), COMPRESSED], ids=["plain", "compressed"])
def test_every_numeric_type_comes_back_as_it_was(live: LiveFile, dtype: str, options: ChunkOptions) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, (), chunking=options)
    values = np.array([0, 1, 1, 0, 1]).astype(dtype)
    dataset.append([block(0, values[:2]), block(4, values[4:])])
    found = read_back(live, "x")
    assert found.dtype == np.dtype(dtype)
    assert (found[[0, 1, 4]] == values[[0, 1, 4]]).all()
    fill = found[2:4]
    assert np.isnan(fill).all() if np.dtype(dtype).kind in "fc" else (fill == 0).all()


@pytest.mark.parametrize("dtype", BIG_ENDIAN)
def test_several_blocks_at_once_keep_their_byte_order(live: LiveFile, dtype: str) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, ())
    dataset.append([block(0, [1, 2], dtype), block(2, [3], dtype)])
    assert read_back(live, "x").tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["U10", "S10", "O", "M8[s]"])
def test_text_and_objects_become_text(live: LiveFile, dtype: str) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, ())
    objects = np.array(["µ", b"caf\xe9", None, 1.5, {"a": 1}, "a\0b", "\ud800"], dtype=object)
    dataset.append([block(0, objects)])
    dataset.append([block(9, np.array(["fixed"])), block(10, np.array([b"bytes"])), block(11, [7, 8])])
    expected = ["µ", "caf\\xe9", "None", "1.5", "{'a': 1}", "a\\x00b", "\\ud800"]
    assert list(read_back(live, "x")) == [*expected, "", "", "fixed", "bytes", "7", "8"]


def test_points_that_are_lists_of_text(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "O", (2,))
    points = np.empty(3, dtype=object)
    points[:] = [["a", "b"], ["c"], ["d", "e", "f"]]
    dataset.append([block(0, points)])
    assert read_back(live, "x").tolist() == [["a", "b", ""], ["c", "", ""], ["d", "e", "f"]]


def test_the_dataset_is_made_as_declared(live: LiveFile) -> None:
    dataset = GrowingDataset(
        live.root,
        "det/data",
        "u4",
        (0, 4),
        scan_shape=(10,),
        attributes={"units": "mm", "interpretation": "x"},
    )
    assert dataset.path == "/det/data"
    live.flush()
    with as_after_a_kill(live) as file:
        found = file["det/data"]
        assert (found.shape, found.maxshape, found.chunks) == ((0, 0, 4), (None, None, None), (10, 512, 4))
        assert dict(found.attrs) == {"units": "mm", "interpretation": "x"}
        assert found.compression is None


@pytest.mark.parametrize(
    ("scheme", "filters"),
    [
        ("none", []),
        ("gzip", [1]),
        ("byteshuffle", [2]),
        ("gzip-byteshuffle", [2, 1]),
        ("bitshuffle", [32008]),
        ("lz4-bitshuffle", [32008]),
        ("zstd", [32015]),
        ("zstd-byteshuffle", [2, 32015]),
        ("bitshuffle-zstd", [32008]),
        ("blosc2", [32026]),
    ],
)
def test_each_scheme_compresses_what_exceeds_the_limit(
    live: LiveFile, scheme: str, filters: list[int]
) -> None:
    options = ChunkOptions(chunk_nbytes=80_000, compression_limit_nbytes=1000, compression_scheme=scheme)
    dataset = GrowingDataset(live.root, "x", "f8", (), scan_shape=(10_000,), chunking=options)
    small = GrowingDataset(live.root, "small", "f8", (), scan_shape=(125,), chunking=options)
    values = np.arange(10_000.0) // 7
    for start in range(0, 10_000, 1000):
        dataset.append([block(start, values[start : start + 1000])])
    small.append([block(0, values[:125])])
    assert (read_back(live, "x") == values).all()
    with as_after_a_kill(live) as file:
        creation = file["x"].id.get_create_plist()
        assert [creation.get_filter(i)[0] for i in range(creation.get_nfilters())] == filters
        if scheme not in ("none", "byteshuffle", "bitshuffle"):
            assert file["x"].id.get_storage_size() < 40_000
        if scheme == "gzip-byteshuffle":
            assert file["x"].compression_opts == 4
        assert file["small"].id.get_create_plist().get_nfilters() == 0


def test_a_name_that_is_taken_is_refused(live: LiveFile) -> None:
    create_group(live.root, "x", "NXdetector")
    with pytest.raises(EntryExists, match="/x already"):
        GrowingDataset(live.root, "x", "f8", ())


def test_it_counts_bytes(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", ())
    assert dataset.append([block(0, np.arange(3)), block(3, np.arange(2.0))]) == 40
    assert dataset.append([block(0, np.arange(5.0))]) == 0
    assert GrowingDataset(live.root, "t", "O", ()).append([block(0, np.array(["aé"], object))]) == 3


def test_a_jump_is_a_gap_that_late_points_close(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "i4", (2,))
    dataset.append([block(0, [[1, 1]]), block(4, [[5, 5]])])
    assert (dataset.points, dataset.gaps) == (5, [(1, 4)])
    assert read_back(live, "x")[:, 0].tolist() == [1, 0, 0, 0, 5]
    dataset.append([block(1, [[2, 2], [3, 3]], "i4")])
    assert dataset.gaps == [(3, 4)]
    dataset.append([block(0, [[9, 9]] * 5, "i4")])  # what is there already stays
    assert dataset.gaps == []
    assert read_back(live, "x")[:, 0].tolist() == [1, 2, 3, 9, 5]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("i4", [1.5]),
        ("i4", [2**40]),
        ("u1", [-1]),
        ("f8", [1j]),
        ("?", [2]),
        ("f8", np.array(["1"])),
        ("f8", np.array([None], object)),
        ("f8", [[1.0, 2.0]]),
    ],
)
def test_values_that_would_be_changed_are_refused(live: LiveFile, dtype: str, values: Any) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, ())
    with pytest.raises(PointsRefused, match="/x"):
        dataset.append([block(0, np.zeros(2, dtype)), block(2, values), block(3, np.zeros(1, dtype))])
    assert dataset.points == 2
    assert len(read_back(live, "x")) == 2


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("i4", np.array([1.0, 2.0])),
        ("i2", np.array([5, 6], "i8")),
        ("f4", np.array([0.1, np.nan])),
        ("f8", np.array([1, 2.5, float("nan")], object)),
        ("f8", np.array([True, False])),
        ("c16", np.array([1.5])),
    ],
)
def test_values_that_fit_are_taken(live: LiveFile, dtype: str, values: Any) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, ())
    dataset.append([block(0, values)])
    np.testing.assert_array_equal(read_back(live, "x"), values.astype(dtype))


def test_dimensions_of_length_one_are_no_reason_to_lose_points(live: LiveFile) -> None:
    scalar = GrowingDataset(live.root, "scalar", "f8", ())
    scalar.append([block(0, [[1.0], [2.0]])])
    samples = GrowingDataset(live.root, "samples", "f8", (1,))
    samples.append([block(0, [1.0, 2.0]), block(2, [[3.0, 4.0]])])
    assert read_back(live, "scalar").tolist() == [1, 2]
    np.testing.assert_array_equal(read_back(live, "samples"), [[1, np.nan], [2, np.nan], [3, 4]])


def test_points_without_elements(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", (0,))
    dataset.append([block(0, np.zeros((3, 0)))])
    assert (dataset.points, dataset.shape) == (3, (3, 0))
    dataset.append([block(3, [[1.0, 2.0]])])
    assert np.isnan(read_back(live, "x")[:3]).all()


def test_points_from_read_only_and_strided_memory(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", (2,))
    dataset.append([block(0, np.frombuffer(np.arange(8.0).tobytes()).reshape(4, 2)[::-1])])
    assert read_back(live, "x").tolist() == [[6, 7], [4, 5], [2, 3], [0, 1]]


def test_it_lives_in_our_files_only(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file, pytest.raises(ValueError, match="OpenFiles"):
        GrowingDataset(file, "x", "f8", ())


POINTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60
)  # shapes of 2-D points: any cut of any ragged stream


def expected_rows(shapes: list[tuple[int, int]], declared: tuple[int, int], rows: set[int]) -> Any:
    """The dataset that the points with these shapes make, of which only ``rows`` came."""
    count = max(rows) + 1
    extent = [max([n, *(shapes[i][axis] for i in rows)]) for axis, n in enumerate(declared)]
    expected = np.full((count, *extent), np.nan)
    for row in rows:
        a, b = shapes[row]
        expected[row, :a, :b] = point(row, (a, b))
    return expected


def point(row: int, shape: tuple[int, ...]) -> Any:
    return row * 1000 + np.arange(np.prod(shape, dtype=int), dtype="f8").reshape(shape)


def blocks_of(shapes: list[tuple[int, int]], start: int, stop: int) -> list[Block]:
    """The points [start, stop), neighbours of one shape together."""
    blocks: list[Block] = []
    for row in range(start, stop):
        values = point(row, shapes[row])[np.newaxis]
        last = blocks[-1] if blocks else None
        if last is not None and last.values.shape[1:] == values.shape[1:]:
            blocks[-1] = Block("channel", last.start, np.concatenate([last.values, values]))
        else:
            blocks.append(Block("channel", row, values))
    return blocks


@settings(deadline=None, max_examples=70, suppress_health_check=list(HealthCheck))
@given(
    shapes=POINTS,
    declared=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), min_size=1, max_size=12),
    calls=st.integers(1, 4),
    options=st.sampled_from([PLAIN, COMPRESSED, ChunkOptions()]),
    scan_points=st.integers(0, 10),
)
def test_any_cut_of_a_stream_in_any_order_makes_the_same_dataset(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: list[tuple[int, int]],
    declared: tuple[int, int],
    cuts: list[tuple[int, int]],
    calls: int,
    options: ChunkOptions,
    scan_points: int,
) -> None:
    """Overlaps, repetitions, jumps ahead and late points included; some points may never come."""
    files = OpenFiles()
    live = files.acquire(tmp_path_factory.mktemp("cut") / "scan.h5", {})
    dataset = GrowingDataset(live.root, "x", "f8", declared, scan_shape=(scan_points,), chunking=options)
    rows: set[int] = set()
    for i, (start, length) in enumerate(cuts):
        stop = min(start + length, len(shapes))
        blocks = blocks_of(shapes, start, stop)
        for part in (blocks[j::calls] for j in range(calls)):
            dataset.append(part)
        rows |= set(range(start, stop))
        if i % 3 == 2:
            live.flush()
    assert dataset.points == max(rows, default=-1) + 1
    assert {i for a, b in dataset.gaps for i in range(a, b)} == set(range(dataset.points)) - rows
    if rows:
        expected = expected_rows(shapes, declared, rows)
        assert dataset.shape == expected.shape
        np.testing.assert_array_equal(read_back(live, "x"), expected)
        dataset.finish()
        np.testing.assert_array_equal(read_back(live, "x"), expected)
    files.release(live)


def test_integers_in_a_gap_are_zero_where_something_else_was_before(live: LiveFile) -> None:
    junk = create_group(live.root, "junk", "NXcollection")
    junk["x"] = np.full(100_000, 0x55, "u1")
    live.flush()
    del junk["x"]
    dataset = GrowingDataset(live.root, "x", "i4", (), scan_shape=(20_000,))
    dataset.append([block(0, [1]), block(10_000, [2])])
    assert read_back(live, "x").sum() == 3


@pytest.mark.parametrize("limit", [2**30, 0], ids=["plain", "compressed"])
def test_memory_does_not_grow_with_the_number_of_datasets(live: LiveFile, limit: int) -> None:
    def resident_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    options = ChunkOptions(compression_limit_nbytes=limit)
    datasets = [
        GrowingDataset(live.root, f"d{i}", "f8", (128,), scan_shape=(1000,), chunking=options)
        for i in range(100)
    ]
    values = np.random.default_rng(1).random((1, 128))
    for dataset in datasets[:10]:
        dataset.append([block(0, values)])
    live.flush()
    before = resident_mb()
    for n in range(3):
        for dataset in datasets:
            dataset.append([block(n, values)])
        live.flush()
    assert resident_mb() - before < 20  # one chunk for each would be 100


def test_an_error_carries_nothing_of_h5py(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", ())
    try:
        dataset.append([block(0, [1j])])
    except Hdf5Error as caught:
        error = caught
    assert error.__cause__ is None
    assert error.__context__ is None
    traceback = error.__traceback__
    frames = []
    while traceback is not None:
        frames.append(traceback.tb_frame)
        traceback = traceback.tb_next
    assert len(frames) == 2  # this test, and the border of the package
    assert not any("h5py" in type(value).__module__ for value in frames[1].f_locals.values())
    assert dataset not in frames[1].f_locals.values()


@pytest.mark.parametrize("step", [1, 2, -1])
@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("dtype", ["f8", ">f8", "?", "i2"])
def test_points_right_behind_the_others_may_lie_anyhow_in_memory(
    live: LiveFile, dtype: str, shape: tuple[int, ...], step: int
) -> None:
    dataset = GrowingDataset(live.root, "x", dtype, shape, digested=True)
    whole = GrowingDataset(live.root, "whole", dtype, shape, digested=True)
    parts = [(np.arange(24) % 7).astype(dtype).reshape(-1, *shape)[::step] for _ in range(3)]
    start = 0
    for part in parts:
        assert dataset.append([Block("c", start, part)]) == part.nbytes
        start += len(part)
    joined = np.concatenate(parts, dtype=dtype)
    whole.append([Block("c", 0, joined[:5]), Block("c", 5, joined[5:])])
    live.flush()
    with as_after_a_kill(live) as file:
        assert np.array_equal(file["x"][()], joined)
    assert (dataset.points, dataset.gaps) == (start, [])
    assert dataset.digests() == whole.digests()
