"""Digests that were made while points came are those of what is in the file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import ChunkOptions, Digests, GrowingDataset, LiveFile, points_dataset
from nexus_writer.hdf5 import point_digests as module
from nexus_writer.hdf5.compression_threads import CompressionThreads
from nexus_writer.hdf5.point_digests import PointDigests
from nexus_writer.model import Block
from tests.waiting import wait_until

from .conftest import as_after_a_kill, new_file

COMPRESSED = ChunkOptions(chunk_nbytes=512, compression_limit_nbytes=0)
PLAIN = ChunkOptions(chunk_nbytes=512, compression_scheme="none")


@pytest.fixture(autouse=True)
def short_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_POINTS", 4)
    monkeypatch.setattr(module, "PIECE_NBYTES", 100)
    monkeypatch.setattr(module, "LEAST_NBYTES", 20)


def found_in(dataset: h5py.Dataset, digests: Digests) -> list[bytes]:
    """The digests of a dataset, from nothing but its values."""
    values, size = np.ravel(dataset[()]), digests.size
    starts = range(0, digests.points, digests.block)
    parts = [values[start * size : min(start + digests.block, digests.points) * size] for start in starts]
    return [sha256(in_bytes(part)).digest() for part in parts]


def in_bytes(part: Any) -> bytes:
    return b"".join(text + b"\0" for text in part) if part.dtype.kind in "OS" else part.tobytes()


def assert_match(live: LiveFile, path: str, digests: Digests | None) -> Digests:
    assert digests is not None
    live.flush()
    with as_after_a_kill(live) as file:
        assert b"".join(found_in(file[path], digests)) == digests.sha256
    return digests


@st.composite
def writings(draw: st.DrawFn) -> tuple[tuple[int, ...], str, int, list[tuple[int, int, int]]]:
    """The shape of a scan, a type, the rank of a point, and blocks: first point, number, width of a point."""
    scan = draw(st.sampled_from([(), (30,), (30,), (4, 5), (2, 3, 4)]))
    dtype = draw(st.sampled_from(["f8", ">i2", "u1", "?", "c8", "f2", "O"]))
    rank = draw(st.integers(0, 2))
    one = st.tuples(st.integers(0, 40), st.integers(1, 13), st.integers(0, 4))
    return scan, dtype, rank, draw(st.lists(one, min_size=1, max_size=8))


@settings(deadline=None, max_examples=100)
@given(writings(), st.booleans(), st.booleans())
def test_any_order_of_points(writing: Any, compressed: bool, in_one_go: bool) -> None:
    scan, dtype, rank, parts = writing
    chunking = COMPRESSED if compressed else PLAIN
    with new_file() as live:
        dataset = points_dataset(
            live.root, "x", dtype, (3, 0)[:rank], scan_shape=scan, chunking=chunking, digested=True
        )
        numbers = iter(range(10**6))
        blocks = []
        for start, count, width in parts:
            shape = (count, *((width, 2)[:rank]))
            values = np.array([next(numbers) % 120 for _ in range(int(np.prod(shape)))])
            blocks.append(Block("", start, values.reshape(shape).astype("i8" if dtype == "O" else dtype)))
        for flush in [blocks] if in_one_go else [[block] for block in blocks]:
            dataset.append(flush)
        dataset.finish()
        digests = assert_match(live, "x", dataset.digests())
        assert digests.points == dataset.points
        assert digests.size == np.prod(dataset.point_shape, dtype=int)


def test_in_order_nothing_is_read_back(live: LiveFile, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = points_dataset(live.root, "x", "f8", (3,), scan_shape=(0,), digested=True)
    for start in range(0, 90, 9):
        dataset.append([Block("", start, np.random.default_rng(start).random((9, 3)))])
    dataset.append([Block("", 90, np.ones((2, 1)))])
    dataset.finish()
    monkeypatch.setattr(dataset, "_read", None)
    digests = assert_match(live, "x", dataset.digests())
    assert (digests.points, digests.size, digests.block) == (92, 3, 4)
    assert len(digests.sha256) == 23 * 32


@pytest.mark.parametrize(("size", "block"), [((), 16384), ((2048,), 64), ((2048, 2048), 1), ((100_000,), 1)])
def test_blocks_are_about_a_mebibyte_at_most(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch, size: tuple[int, ...], block: int
) -> None:
    monkeypatch.undo()
    dataset = points_dataset(live.root, "x", "f8", size, scan_shape=(0,), digested=True)
    dataset.append([Block("", 0, np.zeros((2, *size)))])
    dataset.finish()
    assert assert_match(live, "x", dataset.digests()).block == block


@pytest.mark.parametrize("scan", [(0,), (1000, 20)])
def test_blocks_are_those_of_the_widest_point_whenever_it_came(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch, scan: tuple[int, ...]
) -> None:
    """A scan that is gone on with begins with points that are filled up already."""
    monkeypatch.undo()
    points = [Block("", start, np.ones((700, start // 100))) for start in (0, 700, 1400, 2100, 2800)]
    manifests = []
    for name, flushes in ("one by one", [[block] for block in points]), ("in one go", [points]):
        dataset = points_dataset(live.root, name, "f8", (0,), scan_shape=scan, digested=True)
        for blocks in flushes:
            dataset.append(blocks)
        dataset.finish()
        manifests.append(assert_match(live, name, dataset.digests()))
    assert manifests[0] == manifests[1]
    assert (manifests[0].size, manifests[0].block) == (28, 4096)


def test_blocks_without_a_point_are_not_read_back(live: LiveFile, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = points_dataset(live.root, "x", "f8", (), scan_shape=(0,), digested=True)
    dataset.append([Block("", 0, np.ones(3)), Block("", 4001, np.ones(7))])
    dataset.finish()
    read: list[tuple[int, int]] = []
    original = dataset._read

    def watched(start: int, stop: int) -> Any:
        read.append((start, stop))
        return original(start, stop)

    monkeypatch.setattr(dataset, "_read", watched)
    assert_match(live, "x", dataset.digests())
    assert read == [(0, 4), (4000, 4004)]


def test_too_much_to_read_back(live: LiveFile) -> None:
    dataset = points_dataset(live.root, "x", "u1", (), scan_shape=(0,), digested=True)
    dataset.append([Block("", 0, np.zeros(10, "u1")), Block("", 2**60, np.zeros(10, "u1"))])
    dataset.finish()
    assert dataset.digests() is None


def test_long_doubles_have_none(live: LiveFile) -> None:
    dataset = points_dataset(live.root, "x", "g", (), scan_shape=(0,), digested=True)
    dataset.append([Block("", 0, np.zeros(3, "g"))])
    dataset.finish()
    assert dataset.digests() is None


def test_no_points(live: LiveFile) -> None:
    dataset = points_dataset(live.root, "x", "f8", (), scan_shape=(5,), digested=True)
    dataset.finish()
    assert dataset.digests() == Digests(0, 1, 1, b"")


@pytest.fixture
def held() -> Iterator[tuple[CompressionThreads, threading.Event]]:
    """Threads that do nothing before the event is set."""
    threads, go_on = CompressionThreads(2, 10_000), threading.Event()
    for _ in range(threads.threads):
        assert threads.submit(lambda: go_on.wait(60), 0)
    yield threads, go_on
    go_on.set()
    threads.set(1, 0)


def written(threads: CompressionThreads, live: LiveFile, points: int) -> GrowingDataset:
    """Frames of 200 bytes, 9 at a time: 2 whole blocks and a part of one."""
    dataset = GrowingDataset(live.root, "x", "f8", (5, 5), scan_shape=(0,), digested=True)
    dataset._digests = PointDigests(dataset._storage, threads)
    for start in range(0, points, 9):
        dataset.append([Block("", start, np.random.default_rng(start).random((9, 5, 5)))])
    return dataset


def test_whole_blocks_are_digested_by_threads(
    live: LiveFile, held: tuple[CompressionThreads, threading.Event]
) -> None:
    """The writer does not wait for them, nor does it keep what is done."""
    threads, go_on = held
    dataset = written(threads, live, 9)
    assert threads.nbytes == 2 * 4 * 200
    go_on.set()
    assert_match(live, "x", dataset.digests())
    assert not threads.nbytes


def test_what_is_done_is_not_kept(live: LiveFile) -> None:
    threads = CompressionThreads(1)
    dataset = written(threads, live, 9)
    assert dataset._digests is not None
    wait_until(lambda: not threads.nbytes, "the blocks are digested")
    dataset.append([Block("", 9, np.ones((1, 5, 5)))])
    assert not dataset._digests._jobs


def test_digests_do_not_wait_for_other_work(
    live: LiveFile, held: tuple[CompressionThreads, threading.Event]
) -> None:
    """Those that no thread has begun with, and those that threads have no room for, are made here."""
    threads, _ = held
    dataset = written(threads, live, 90)
    assert 0 < threads.nbytes <= threads.most_nbytes
    digests = assert_match(live, "x", dataset.digests())
    assert len(digests.sha256) == 23 * 32
    assert not threads.nbytes


def test_a_wider_point_while_blocks_are_under_way(
    live: LiveFile, held: tuple[CompressionThreads, threading.Event]
) -> None:
    threads, _ = held
    dataset = written(threads, live, 36)
    dataset.append([Block("", 36, np.ones((1, 7, 5)))])
    assert_match(live, "x", dataset.digests())


def test_a_thread_without_memory_leaves_its_blocks_to_be_read_back(
    live: LiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(module, "_digests_of", fail)
        dataset = written(CompressionThreads(1), live, 36)
        assert dataset._digests is not None
        assert dataset._digests.result() is None
    assert_match(live, "x", dataset.digests())
