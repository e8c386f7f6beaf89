"""Chunks that threads compress: the same values for any reader, whatever the scheme, the type, the shape."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import (
    SCHEMES,
    ChunkOptions,
    FileBroken,
    GridDataset,
    GrowingDataset,
    LiveFile,
    OpenFiles,
)
from nexus_writer.hdf5.chunk_jobs import ChunkJobs
from nexus_writer.hdf5.compression_threads import CompressionThreads
from nexus_writer.hdf5.filters import set_filters
from tests.hdf5.conftest import as_after_a_kill, block, read_back
from tests.hdf5.processes import run_python

DTYPES = ("?", "u1", "i2", "u2", ">u2", "u4", "i8", "f2", "f4", ">f4", "f8", "c8", "c16")
POINTS = {(): 40_000, (701,): 130, (67, 43): 21}
"""By the shape of a point: its chunks stick out of the dataset in all dimensions."""

READ = """
    import sys
    from hashlib import sha256
    import h5py
    import hdf5plugin

    with h5py.File(sys.argv[1]) as file:
        for name in file:
            print(name, sha256(file[name][()].tobytes()).hexdigest())
"""
CHUNK_NBYTES = 2**16


def compressed(scheme: str, split: int = 4) -> ChunkOptions:
    """With ``split`` 1 a chunk holds whole points."""
    return ChunkOptions(CHUNK_NBYTES, split, compression_limit_nbytes=0, compression_scheme=scheme)


def measured(dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Counts of photons, as numbers of any type."""
    counts = np.random.default_rng(1).poisson(30, shape)
    return (counts % 2 if dtype == "?" else counts * 1.25 if np.dtype(dtype).kind in "fc" else counts).astype(
        dtype
    )


def appended(dataset: GrowingDataset, values: np.ndarray, live: LiveFile) -> None:
    """Some points alone, some in the midst of a chunk, some of many chunks; flushed now and then."""
    cuts = [0, 1, 2, len(values) // 20, len(values) // 2, len(values) - 3, len(values)]
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        dataset.append([block(start, values[start:stop])])
        if number % 2:
            live.flush()
    dataset.finish()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_process_reads_the_same_values(scheme: str, files: OpenFiles, live: LiveFile) -> None:
    live = files.acquire(live.path.with_name("all.h5"), {})
    expected = {}
    for dtype, (shape, points) in itertools.product(DTYPES, POINTS.items()):
        values = measured(dtype, (points, *shape))
        name = f"{dtype} {len(shape)}"
        dataset = GrowingDataset(
            live.root, name, dtype, shape, scan_shape=(points,), chunking=compressed(scheme)
        )
        appended(dataset, values, live)
        expected[name] = sha256(values.tobytes()).hexdigest()
    for shape in ((), (5,)):
        values = measured("u2", (300 * 200, *shape))
        grid = GridDataset(
            live.root, f"grid {shape}", "u2", shape, scan_shape=(300, 200), chunking=compressed(scheme)
        )
        appended(grid, values, live)
        expected[f"grid {shape}"] = sha256(values.tobytes()).hexdigest()
    path = live.path
    files.release(live)
    found = (line.rsplit(maxsplit=1) for line in run_python(READ, path).splitlines())
    assert dict(found) == expected


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES[1:] if "gzip" not in scheme])
def test_the_bytes_are_those_of_hdf5(live: LiveFile, scheme: str) -> None:
    values = measured("f4", (64, 256))
    dataset = GrowingDataset(live.root, "x", "f4", (256,), scan_shape=(640,), chunking=compressed(scheme, 1))
    dataset.append([block(0, values)])
    live.flush()
    with as_after_a_kill(live) as file:
        found = file["x"]
        creation, chunk = h5py.h5p.create(h5py.h5p.DATASET_CREATE), found.chunks
        creation.set_chunk(chunk)
        set_filters(creation, scheme)
        mine = {corner: found.id.read_direct_chunk(corner) for corner in corners(found)}
        with h5py.File("other", "w", driver="core", backing_store=False) as other:
            space = h5py.h5s.create_simple(values.shape, (h5py.h5s.UNLIMITED,) * 2)
            by_hdf5 = h5py.Dataset(h5py.h5d.create(other.id, b"x", found.id.get_type(), space, creation))
            by_hdf5[...] = values
            full = [corner for corner in mine if all(np.add(corner, chunk) <= values.shape)]
            assert full
            assert all(mine[corner] == by_hdf5.id.read_direct_chunk(corner) for corner in full)


def corners(dataset: Any) -> list[tuple[int, ...]]:
    return [dataset.id.get_chunk_info(i).chunk_offset for i in range(dataset.id.get_num_chunks())]


def image_dataset(live: LiveFile, name: str = "x") -> GrowingDataset:
    """A chunk of 64 KiB has 16 points."""
    return GrowingDataset(
        live.root, name, "u2", (32, 64), scan_shape=(100_000,), chunking=compressed("gzip-byteshuffle", 1)
    )


@pytest.fixture
def threads() -> CompressionThreads:
    """Two, that may hold some chunks."""
    return CompressionThreads(2, 5 * CHUNK_NBYTES)


@pytest.fixture
def held(threads: CompressionThreads) -> Iterator[threading.Event]:
    """They are at work on something else until this is set."""
    go_on = threading.Event()
    for _ in range(threads.threads):
        assert threads.submit(lambda: go_on.wait(60), 0)
    yield go_on
    go_on.set()


def test_the_writer_does_not_wait_for_a_chunk_before_the_flush(
    live: LiveFile, threads: CompressionThreads, held: threading.Event
) -> None:
    """And what was flushed is there meanwhile: in a chunk that is full now, too."""
    live.jobs = ChunkJobs(threads)
    dataset, values = image_dataset(live), measured("u2", (100, 32, 64))
    dataset.append([block(0, values[:10])])
    live.flush()
    dataset.append([block(10, values[10:50])])
    assert live.jobs.is_waited_for()
    with as_after_a_kill(live) as file:
        np.testing.assert_array_equal(file["x"][:10], values[:10])
    held.set()
    live.flush()
    assert not live.jobs
    assert not threads.nbytes
    with as_after_a_kill(live) as file:
        np.testing.assert_array_equal(file["x"][:50], values[:50])
        assert file["x"].id.get_chunk_info(0).size < CHUNK_NBYTES


def test_what_is_under_way_is_bounded(live: LiveFile, threads: CompressionThreads) -> None:
    live.jobs = ChunkJobs(threads)
    dataset, values = image_dataset(live), measured("u2", (1000, 32, 64))
    dataset.append([block(0, values)])
    chunks = threads.most_nbytes // dataset._storage.chunk_nbytes
    assert 0 < len(live.jobs) <= chunks
    assert threads.nbytes <= threads.most_nbytes
    np.testing.assert_array_equal(read_back(live, "x"), values)


def test_a_file_does_not_wait_for_the_chunks_of_others(
    live: LiveFile, threads: CompressionThreads, held: threading.Event
) -> None:
    assert threads.submit(lambda: held.wait(60), threads.most_nbytes)
    live.jobs = ChunkJobs(threads)
    dataset, values = image_dataset(live), measured("u2", (40, 32, 64))
    dataset.append([block(0, values)])
    np.testing.assert_array_equal(read_back(live, "x"), values)
    assert not held.is_set()


def test_a_filter_that_fails_leaves_the_chunk_to_hdf5(
    live: LiveFile, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(values: np.ndarray) -> np.ndarray:
        raise MemoryError("no memory")

    dataset, values = image_dataset(live), measured("u2", (100, 32, 64))
    assert dataset._tail is not None
    dataset._tail._steps = (fails,)
    dataset.append([block(0, values[:5])])
    dataset.append([block(5, values[5:])])
    dataset.finish()
    np.testing.assert_array_equal(read_back(live, "x"), values)
    assert "A chunk is left to HDF5 to be compressed: MemoryError: no memory" in caplog.text


def test_a_broken_file_lets_go_of_its_chunks(
    live: LiveFile, threads: CompressionThreads, held: threading.Event
) -> None:
    live.jobs = ChunkJobs(threads)
    image_dataset(live).append([block(0, measured("u2", (40, 32, 64)))])
    assert threads.nbytes
    live.poison("the disk is gone")
    assert not threads.nbytes
    assert not live.jobs


NO_SPACE = """
    import resource, sys
    import numpy as np
    from nexus_writer.hdf5 import ChunkOptions, FileBroken, GrowingDataset, OpenFiles, compression_threads
    from nexus_writer.model import Block

    values = np.random.default_rng(1).integers(0, 2**16, (400, 32, 64), np.uint16)
    file = OpenFiles().acquire(sys.argv[1], {})
    dataset = GrowingDataset(
        file.root, "x", "u2", (32, 64), scan_shape=(400,), chunking=ChunkOptions(2**16, 1, 0)
    )
    dataset.append([Block("", 0, values[:50])])
    file.flush()
    most = file.path.stat().st_size + 300_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    dataset.append([Block("", 50, values[50:])])
    try:
        file.flush()
    except FileBroken as error:
        print(type(error).__name__, len(file.jobs), compression_threads.nbytes)
"""


def test_a_chunk_that_the_disk_refuses_breaks_the_file(tmp_path: Path) -> None:
    """And what was flushed before is there."""
    assert run_python(NO_SPACE, tmp_path / "x.h5") == "FileBroken 0 0"
    values = np.random.default_rng(1).integers(0, 2**16, (400, 32, 64), np.uint16)
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["x"][:50], values[:50])


AT_THE_SAME_MOMENT = """
    import sys
    from pathlib import Path
    import numpy as np
    from nexus_writer.hdf5 import GrowingDataset, OpenFiles, compression_threads
    from nexus_writer.model import Block

    def own_mb():
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Anonymous:")) / 1024

    compression_threads.set(2, compression_threads.most_nbytes)
    file = OpenFiles().acquire(sys.argv[1], {})
    datasets = [GrowingDataset(file.root, f"d{i}", "f8", (), scan_shape=(500_000,)) for i in range(60)]
    chunk = datasets[0]._storage.chunk[0]
    values = np.random.default_rng(1).poisson(1000, chunk + 100).astype(float)
    looks = []
    for start, stop in ((0, chunk // 2), (chunk // 2, chunk - 1), (chunk - 1, chunk + 100)):
        for dataset in datasets:
            dataset.append([Block("", start, values[start:stop])])
        file.flush()
        looks.append(own_mb())
    print(looks[2] - looks[1])
"""


def test_chunks_that_get_full_at_the_same_moment_leave_memory_as_it_was(tmp_path: Path) -> None:
    """60 MB of them, whose points were in the file before. They held 23 to 27 MB for good once."""
    assert float(run_python(AT_THE_SAME_MOMENT, tmp_path / "x.h5")) < 17


def test_what_they_freed_is_given_back_when_no_chunk_came_for_a_while(
    threads: CompressionThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once; not while chunks come."""
    clock, trimmed = [10.0], list[int]()
    module = sys.modules[CompressionThreads.__module__]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    monkeypatch.setattr(module, "_trim", trimmed.append)

    def look(now: float) -> int:
        clock[0] = now
        threads.rest()
        return len(trimmed)

    assert look(11.0) == 0
    threads.taken(0)
    assert look(11.5) == 0
    threads.taken(0)
    assert look(12.2) == 0
    assert look(12.6) == 1
    assert look(20.0) == 1


def test_a_file_that_was_cut_short_is_broken(
    live: LiveFile, threads: CompressionThreads, held: threading.Event
) -> None:
    """By somebody else, while a chunk of it waits to be compressed."""
    live.jobs = ChunkJobs(threads)
    dataset, values = image_dataset(live), measured("u2", (100, 32, 64))
    dataset.append([block(0, values[:10])])
    live.flush()
    dataset.append([block(10, values[10:16])])
    os.truncate(live.path, 4096)
    held.set()
    with pytest.raises(FileBroken, match="cut short"):
        live.flush()


def test_points_are_read_back_before_they_are_flushed(live: LiveFile) -> None:
    dataset, values = image_dataset(live), measured("u2", (100, 32, 64))
    dataset.append([block(0, values)])
    np.testing.assert_array_equal(dataset._read(3, 90), values[3:90])


def test_other_threads_from_now_on(threads: CompressionThreads, held: threading.Event) -> None:
    threads.set(1, 2**20)
    assert (threads.threads, threads.most_nbytes) == (1, 2**20)
    done = threads.submit(lambda: threading.current_thread().name, 2**20)
    assert done is not None
    assert done.result(60).startswith("compression")
    assert threads.submit(lambda: None, 1) is None
    threads.taken(2**20)
    assert threads.submit(lambda: None, 1) is not None
