"""Compressed datasets: nothing that a flush has secured may be lost by what is written after it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    ChunkOptions,
    GridDataset,
    GrowingDataset,
    LiveFile,
    OpenFiles,
    create_group,
    plain_tail,
    write_value,
)
from nexus_writer.hdf5.staged_writes import PAGE

from .conftest import as_after_a_kill, block, new_file, read_back

OPTIONS = ChunkOptions(chunk_nbytes=4096, compression_limit_nbytes=0)


@pytest.fixture(autouse=True)
def chunks_go_through_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones, too."""
    monkeypatch.setattr(plain_tail, "LEAST_NBYTES", 0)


def rows(dataset: int, start: int, stop: int, width: int) -> np.ndarray:
    """Points that compress badly, and differ from those of any other dataset and row."""
    random = np.random.default_rng(dataset).random((stop, width))[start:]
    return random + np.arange(start, stop)[:, np.newaxis]


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    widths=st.lists(st.sampled_from([1, 3, 16, 100]), min_size=1, max_size=6),
    sizes=st.lists(st.tuples(st.integers(1, 300), st.booleans()), min_size=1, max_size=12),
    chunk_nbytes=st.sampled_from([4096, 30_000]),
)
def test_what_was_flushed_survives_a_kill_at_any_moment(
    tmp_path_factory: pytest.TempPathFactory,
    widths: list[int],
    sizes: list[tuple[int, bool]],
    chunk_nbytes: int,
) -> None:
    """The file is looked at as it is on the disk, without what HDF5 has not written yet."""
    files = OpenFiles()
    live = files.acquire(tmp_path_factory.mktemp("kill") / "scan.h5", {})
    options = ChunkOptions(chunk_nbytes=chunk_nbytes, compression_limit_nbytes=0)
    datasets = [
        GrowingDataset(live.root, f"d{i}", "f8", (width,), scan_shape=(100,), chunking=options)
        for i, width in enumerate(widths)
    ]
    live.flush()
    points = flushed = 0
    for size, flush in sizes:
        for i, (dataset, width) in enumerate(zip(datasets, widths, strict=True)):
            dataset.append([block(points, rows(i, points, points + size, width))])
            write_value(live.root, "note", np.arange(size))
        check(live, widths, flushed)
        points += size
        if flush:
            live.flush()
            flushed = points
            check(live, widths, flushed)
    for dataset in datasets:
        dataset.finish()
        check(live, widths, flushed)
    path = live.path
    files.release(live)
    assert path.exists()
    check(live, widths, points)


def check(live: LiveFile, widths: list[int], count: int) -> None:
    with as_after_a_kill(live) as file:
        for i, width in enumerate(widths):
            found = file[f"d{i}"][:count]
            np.testing.assert_array_equal(found, rows(i, 0, count, width))


def test_chunks_where_others_were_are_not_kept_in_memory(live: LiveFile) -> None:
    """All channels of a scan fill their chunks at the same time, and begin new ones."""
    options = ChunkOptions(chunk_nbytes=2**16, compression_limit_nbytes=0)
    names = [f"d{i}" for i in range(20)]
    datasets = [
        GrowingDataset(live.root, name, "f8", (), scan_shape=(80_000,), chunking=options) for name in names
    ]
    live.flush()
    values = rows(0, 0, 40_000, 1)[:, 0]
    most = 0
    for start in range(0, len(values), 2000):
        for dataset in datasets:
            dataset.append([block(start, values[start : start + 2000])])
        most = max(most, len(live._writes._pages))
        live.flush()
    assert most * PAGE < 20 * 2**16 / 4
    with as_after_a_kill(live) as file:
        for name in names:
            np.testing.assert_array_equal(file[name], values)


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_frames_of_many_chunks_survive_too(live: LiveFile, seed: int) -> None:
    """So many that the index of the dataset loses nodes when a row of chunks is cut off."""
    options = ChunkOptions(chunk_nbytes=2048, compression_limit_nbytes=0)
    dataset = GrowingDataset(live.root, "x", "f8", (16, 16), scan_shape=(200,), chunking=options)
    live.flush()
    random = np.random.default_rng(seed)
    values = random.random((600, 16, 16))
    points = flushed = 0
    for _ in range(12):
        size = int(random.integers(1, 50))
        dataset.append([block(points, values[points : points + size])])
        points += size
        with as_after_a_kill(live) as file:
            np.testing.assert_array_equal(file["x"][:flushed], values[:flushed])
        if random.random() < 0.5:
            live.flush()
            flushed = points


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    grid=st.sampled_from([(5, 7), (3, 40), (40, 3), (2, 3, 9)]),
    width=st.sampled_from([(), (3,), (70,), (2, 5)]),
    sizes=st.lists(st.tuples(st.integers(1, 50), st.booleans()), min_size=1, max_size=10),
)
def test_what_was_flushed_of_a_grid_survives_a_kill_at_any_moment(
    tmp_path_factory: pytest.TempPathFactory,
    grid: tuple[int, ...],
    width: tuple[int, ...],
    sizes: list[tuple[int, bool]],
) -> None:
    files = OpenFiles()
    live = files.acquire(tmp_path_factory.mktemp("kill") / "scan.h5", {})
    options = ChunkOptions(chunk_nbytes=512, compression_limit_nbytes=0)
    dataset = GridDataset(live.root, "x", "f8", width, scan_shape=grid, chunking=options)
    values = np.random.default_rng(1).random((500, *width))
    live.flush()
    points = flushed = 0

    def check_grid() -> None:
        with as_after_a_kill(live) as file:
            found = file["x"][()].reshape(-1, *width)
            np.testing.assert_array_equal(found[:flushed], values[:flushed])

    for size, flush in sizes:
        dataset.append([block(points, values[points : points + size])])
        check_grid()
        points += size
        if flush:
            live.flush()
            flushed = points
            check_grid()
    dataset.finish()
    check_grid()
    flushed = points
    files.release(live)
    check_grid()
    with as_after_a_kill(live) as file:
        assert file["x"].compression == "gzip"
        assert np.isnan(file["x"][()].reshape(-1, *width)[points:]).all()


@settings(deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
@given(
    blocks=st.lists(
        st.tuples(st.integers(0, 700), st.integers(1, 300), st.sampled_from([0, 1, 8, 600])),
        min_size=2,
        max_size=8,
    ),
    dtype=st.sampled_from(["f8", "i4"]),
    chunk_nbytes=st.sampled_from([512, 2**16]),
    filled_before=st.booleans(),
)
@example(blocks=[(0, 10, 8), (200, 10, 8)], dtype="f8", chunk_nbytes=2**16, filled_before=False)
def test_points_that_lack_are_fill_values_whatever_comes_first(
    blocks: list[tuple[int, int, int]], dtype: str, chunk_nbytes: int, filled_before: bool
) -> None:
    """Also where chunks lie in places that others left, and where points get wider."""
    options = ChunkOptions(chunk_nbytes, 4, compression_limit_nbytes=0)
    with new_file() as live:
        if filled_before:
            other = GrowingDataset(live.root, "other", dtype, (8,), scan_shape=(9000,), chunking=options)
            other.append([block(0, np.full((3000, 8), 7, dtype))])
            other.finish()
            live.flush()
        dataset = GrowingDataset(live.root, "x", dtype, (-1,), scan_shape=(9000,), chunking=options)
        expected = np.full((1000, 600), np.nan if dtype == "f8" else 0, dtype)
        came = np.zeros(1000, bool)
        for start, count, width in blocks:
            values = 1 + np.arange(count * width, dtype=dtype).reshape(count, width)
            dataset.append([block(start, values)])
            new = ~came[start : start + count]
            expected[start : start + count, :width][new] = values[new]
            came[start : start + count] = True
            found = read_back(live, "x")
            points, widest = dataset.shape
            np.testing.assert_array_equal(found, expected[:points, :widest])
            assert not came[points:].any()
        dataset.finish()
        np.testing.assert_array_equal(read_back(live, "x"), expected[: dataset.shape[0], : dataset.shape[1]])


def test_chunks_of_a_grid_are_compressed_row_by_row(live: LiveFile) -> None:
    """A row of chunks waits uncompressed for its last point, whichever way that comes."""
    options = ChunkOptions(chunk_nbytes=1024, compression_limit_nbytes=0)
    dataset = GridDataset(live.root, "x", "f8", (), scan_shape=(20, 40), chunking=options)

    def stored() -> list[bool]:
        live.flush()
        with as_after_a_kill(live) as file:
            assert file["x"].chunks == (5, 10)
            chunks = (file["x"].id.get_chunk_info(i) for i in range(file["x"].id.get_num_chunks()))
            return [chunk.size < 100 for chunk in chunks]

    for point in range(199):
        dataset.append([block(point, [0.0])])
    assert stored() == [False] * 4
    dataset.append([block(199, [0.0])])
    assert stored() == [True] * 4
    dataset.append([block(200, np.zeros(450))])
    assert stored() == [True] * 12 + [False] * 4
    dataset.finish()
    assert stored() == [True] * 16
    found = read_back(live, "x").ravel()
    assert (found[:650] == 0).all()
    assert np.isnan(found[650:]).all()


def test_chunks_are_compressed_when_full_and_at_the_end(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", (), scan_shape=(10_000,), chunking=OPTIONS)

    def stored() -> list[int]:
        live.flush()
        with as_after_a_kill(live) as file:
            return [file["x"].id.get_chunk_info(i).size for i in range(file["x"].id.get_num_chunks())]

    dataset.append([block(0, np.zeros(500))])
    assert stored() == [4096]
    dataset.append([block(500, np.zeros(100))])
    assert stored()[0] < 100
    assert stored()[1:] == [4096]
    dataset.append([block(600, np.zeros(2000))])
    assert [size < 100 for size in stored()] == [True] * 5 + [False]
    dataset.finish()
    assert [size < 100 for size in stored()] == [True] * 6
    dataset.finish()
    assert (read_back(live, "x") == np.zeros(2600)).all()


def test_a_chunk_that_waits_for_late_points_stays_plain(live: LiveFile) -> None:
    dataset = GrowingDataset(live.root, "x", "f8", (), scan_shape=(10_000,), chunking=OPTIONS)
    dataset.append([block(0, np.arange(100.0)), block(200, np.arange(200.0, 1200))])
    dataset.append([block(100, np.arange(100.0, 200))])
    assert (read_back(live, "x") == np.arange(1200)).all()


def test_places_are_used_again(live: LiveFile) -> None:
    """The file holds two plain rows of chunks for each dataset, however long they get, and memory as much."""
    entry = create_group(live.root, "1.1", "NXentry")
    options = ChunkOptions(chunk_nbytes=2**16, compression_limit_nbytes=0)
    datasets = [
        GrowingDataset(entry, f"d{i}", "f8", (256,), scan_shape=(1000,), chunking=options) for i in range(10)
    ]
    chunk_nbytes = datasets[0]._storage.chunk_nbytes
    open_after = []
    for n in range(100):
        for dataset in datasets:
            dataset.append([block(n * 40, np.zeros((40, 256)))])
        live.flush()
        open_after.append(h5py.h5f.get_obj_count(live.root.file.id, h5py.h5f.OBJ_DATASET))
    assert max(open_after[50:]) <= max(open_after[:50])
    plain = 10 * 4 * chunk_nbytes
    assert live.path.stat().st_size < 2 * plain + 500_000  # the next row begins before the flush
    assert 20 * plain < 100 * 40 * 256 * 8 * 10


def test_unused_places_take_no_space_on_the_disk(files: OpenFiles, live: LiveFile) -> None:
    live = files.acquire(live.path.with_name("other.h5"), {})
    dataset = GrowingDataset(live.root, "x", "f8", (), scan_shape=(1_000_000,))
    dataset.append([block(0, np.arange(10.0))])
    create_group(live.root, "behind", "NXcollection")
    live.flush()
    path = live.path
    before = path.stat()
    dataset.finish()
    files.release(live)
    after = path.stat()
    assert before.st_blocks * 512 > 2**20
    assert after.st_blocks * 512 < 2**18
    with as_after_a_kill(live) as file:
        assert (file["x"][()] == np.arange(10)).all()
