"""Frames of a detector into compressed datasets: chunks from threads beside the filters of HDF5.

    python -m benchmarks.compression [--repeats 5] [--json]

As many frames as one flush has go to ``GrowingDataset.append``, then a flush, and so on; beside it plain h5py
with the same chunks and batches, and the filters as h5py and hdf5plugin set them by themselves. A plain
reader in another process compares every value of both files after each repeat. Blosc2 is told to start no
threads, as a server tells it, where chunks are from ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import numpy.typing as npt

from nexus_writer.hdf5 import ChunkOptions, GrowingDataset, OpenFiles, compression_threads
from nexus_writer.model import Block

from ._rows import Row, median, run

GOAL = 2.0
BATCHES, BATCH = 2, 32
"""Of 1 MB each."""
SHAPE = (512, 1024)
DEFAULT = "gzip-byteshuffle"

GZIP: Mapping[str, Any] = {"compression": "gzip", "compression_opts": 4}
BY_HDF5: Mapping[str, Mapping[str, Any]] = {
    DEFAULT: {**GZIP, "shuffle": True},
    "gzip": GZIP,
    "lz4-bitshuffle": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd", clevel=3),
    "zstd": hdf5plugin.Zstd(clevel=3),
    "zstd-byteshuffle": {**hdf5plugin.Zstd(clevel=3), "shuffle": True},
    "blosc2": hdf5plugin.Blosc2(cname="lz4", clevel=5, filters=hdf5plugin.Blosc2.SHUFFLE),
}
CASES = (
    *((scheme, "uint16") for scheme in BY_HDF5),
    (DEFAULT, "uint32"),
    (DEFAULT, "float32"),
)

COMPARE = """
import sys, h5py, hdf5plugin, numpy as np
for line in sys.stdin:
    array, path = line.split()
    expected = np.load(array, mmap_mode="r")
    with h5py.File(path) as file:
        print(file["x"].dtype == expected.dtype and np.array_equal(file["x"][()], expected), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """How fast, and how much is left of the values."""

    mb_per_s: float
    share: float


class Reader:
    """Plain h5py with hdf5plugin, in another process, until the end of ``with``."""

    def __enter__(self) -> Reader:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMPARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def compare(self, array: Path, path: Path) -> None:
        """Raises AssertionError when the file has other values."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(array, path, file=self._process.stdin, flush=True)
        if self._process.stdout.readline() != "True\n":
            raise AssertionError(f"{path} holds other values")


@cache
def frames(dtype: str) -> npt.NDArray[Any]:
    """Photons: a halo, its Poisson noise, hot pixels. Floats have the gain of each pixel taken out."""
    random = np.random.default_rng(1)
    y, x = np.indices(SHAPE) - np.array(SHAPE)[:, None, None] / 2
    halo = 2 + 30 * np.exp(-(x**2 + y**2) / (SHAPE[0] / 2) ** 2)
    shape = (BATCH, SHAPE[0], SHAPE[1] * 2 // np.dtype(dtype).itemsize)
    counts = random.poisson(halo[:, : shape[2]], shape)
    counts[random.random(shape) < 1e-4] = 50_000
    return (counts / random.normal(1, 0.05, shape[1:]) if dtype == "float32" else counts).astype(dtype)


def by_threads(path: Path, values: npt.NDArray[Any], scheme: str) -> float:
    """Seconds."""
    files = OpenFiles()
    file = files.acquire(path, {})
    options = ChunkOptions(compression_limit_nbytes=0, compression_scheme=scheme)
    dataset = GrowingDataset(
        file.root, "x", values.dtype, values.shape[1:], scan_shape=(BATCHES * BATCH,), chunking=options
    )
    file.flush()
    started_s = time.perf_counter()
    for start in range(0, BATCHES * BATCH, BATCH):
        dataset.append([Block("", start, values)])
        file.flush()
    took_s = time.perf_counter() - started_s
    files.release(file)
    return took_s


def by_hdf5(path: Path, values: npt.NDArray[Any], chunks: tuple[int, ...], how: Mapping[str, Any]) -> float:
    """Seconds."""
    with h5py.File(path, "w", libver=("v108", "v110"), rdcc_nbytes=0) as file:
        empty, unlimited = (0, *values.shape[1:]), (None,) * values.ndim
        dataset = file.create_dataset("x", empty, values.dtype, maxshape=unlimited, chunks=chunks, **how)
        file.flush()
        started_s = time.perf_counter()
        for start in range(0, BATCHES * BATCH, BATCH):
            dataset.resize(start + BATCH, 0)
            dataset[start:] = values
            file.flush()
        return time.perf_counter() - started_s


def rows(repeats: int) -> Sequence[Row]:
    """P13."""
    with tempfile.TemporaryDirectory() as name, Reader() as reader:
        return [_row(Path(name), reader, scheme, dtype, repeats) for scheme, dtype in CASES]


def _row(place: Path, reader: Reader, scheme: str, dtype: str, repeats: int) -> Row:
    values, array = frames(dtype), place / f"{dtype}.npy"
    if not array.exists():
        np.save(array, np.concatenate([values] * BATCHES))
    pairs = [_pair(place, reader, scheme, array, values) for _ in range(repeats + 1)][1:]  # without a warm-up
    ratio = median(ours.mb_per_s / theirs.mb_per_s for ours, theirs in pairs)
    ours, theirs = (median(one.mb_per_s for one in each) for each in zip(*pairs, strict=True))
    beside = f"{ours:.0f} MB/s, HDF5 {theirs:.0f}; "
    beside += "size {:.3f} of the values, HDF5 {:.3f}".format(*(one.share for one in pairs[0]))
    what = f"{scheme}, {dtype}, {compression_threads.threads} threads"
    return Row("P13", what, GOAL, ratio, "x HDF5", beside, at_least=True)


def _pair(
    place: Path, reader: Reader, scheme: str, array: Path, values: npt.NDArray[Any]
) -> tuple[Written, Written]:
    path = place / "ours.h5"
    os.environ["BLOSC_NTHREADS"] = "1"
    ours = _written(path, by_threads(path, values, scheme))
    del os.environ["BLOSC_NTHREADS"]
    reader.compare(array, path)
    with h5py.File(path) as file:
        chunks = file["x"].chunks
    path.unlink()
    theirs = _written(path, by_hdf5(path, values, chunks, BY_HDF5[scheme]))
    reader.compare(array, path)
    path.unlink()
    return ours, theirs


def _written(path: Path, took_s: float) -> Written:
    with h5py.File(path) as file:
        nbytes = file["x"].nbytes
        return Written(nbytes / took_s / 1e6, file["x"].id.get_storage_size() / nbytes)


if __name__ == "__main__":
    run(rows, __doc__)
