"""Points of different sizes: padded, and what is padding is marked."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import OpenFiles, write_value
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.layout.padding import SUFFIX
from nexus_writer.model import Block, Scan

from .scans import channel, scan_info

NAME = "ctl:spectra"
MASTERS = {"timer": {"timer": ["timer:elapsed_time"], "ctl": [NAME]}}
DATASET = "1.1/instrument/spectra/data"
COMPRESSED = {"writer_options": {"chunk_options": {"compression_limit_nbytes": 0, "chunk_nbytes": 64}}}


def write(
    path: Path,
    files: OpenFiles,
    batches: list[list[Block]],
    *,
    dtype: Any,
    shape: tuple[int, ...],
    **fields: Any,
) -> tuple[Any, Any, ScanFile]:
    """The dataset and its mask (None when there is none) of a channel that gets ``batches`` of points."""
    info = scan_info(MASTERS, filename=str(path), dims={NAME: len(shape)}, **fields)
    scan = Scan.from_info(info, "session:ds:1_scan")
    scan_file = ScanFile(scan, files, LayoutOptions())
    scan_file.create()
    description = channel(scan, NAME, dtype, shape)
    scan_file.add_channel(description)
    for batch in batches:
        scan_file.append({description.key: batch})
        scan_file.commit()
    scan_file.finish({}, "", None)
    with h5py.File(path) as file:
        mask = file[DATASET + SUFFIX][()] if DATASET + SUFFIX in file else None
        return file[DATASET][()], mask, scan_file


def block(start: int, values: Any, dtype: Any = None) -> Block:
    return Block(NAME, start, np.array(values, dtype=dtype))


@pytest.mark.parametrize("dtype", ["i4", "u8", "?", ">i2", "f2", "f8", "c8"])
def test_the_mask_shows_what_was_measured(files: OpenFiles, tmp_path: Path, dtype: str) -> None:
    values = [np.ones((1, n), dtype) for n in (1, 3, 2)]
    batch = [Block(NAME, row, value) for row, value in enumerate(values)]
    data, mask, _ = write(tmp_path / "a.h5", files, [batch], dtype=dtype, shape=(1,))
    assert data.dtype == np.dtype(dtype)
    assert mask.tolist() == [[False, True, True], [False, False, False], [False, False, True]]
    assert (data[~mask] == 1).all()
    padding = data[mask]
    assert np.isnan(padding).all() if np.dtype(dtype).kind in "fc" else not padding.any()


def test_points_smaller_than_declared_are_padded_to_what_was_declared(
    files: OpenFiles, tmp_path: Path
) -> None:
    batch = [block(0, [[1, 2], [3, 4]])]
    data, mask, _ = write(tmp_path / "a.h5", files, [batch], dtype=int, shape=(3,))
    assert data.tolist() == [[1, 2, 0], [3, 4, 0]]
    assert mask.tolist() == [[False, False, True]] * 2


def test_points_of_one_size_need_no_mask(files: OpenFiles, tmp_path: Path) -> None:
    for number, shape in enumerate([(0,), (-1,), (1,), (2,)]):
        batches = [[block(0, [[1, 2]])], [block(1, [[3, 4]])]]
        data, mask, _ = write(tmp_path / f"{number}.h5", files, batches, dtype=int, shape=shape)
        assert (data.tolist(), mask) == ([[1, 2], [3, 4]], None)


def test_frames_that_change_shape_within_a_batch_lose_nothing(files: OpenFiles, tmp_path: Path) -> None:
    """Smaller and larger ones, in any direction."""
    shapes = [(2, 3), (3, 2), (1, 1), (4, 1)]
    frames = [np.full((1, *shape), number + 1, np.uint16) for number, shape in enumerate(shapes)]
    batch = [Block(NAME, row, frame) for row, frame in enumerate(frames)]
    data, mask, scan_file = write(tmp_path / "a.h5", files, [batch], dtype=np.uint16, shape=(2, 3))
    assert data.shape == mask.shape == (4, 4, 3)
    for row, (height, width) in enumerate(shapes):
        assert (data[row, :height, :width] == row + 1).all()
        assert data[row].sum() == (row + 1) * height * width
        assert (~mask[row]).sum() == height * width
    assert scan_file.warnings == []


def test_a_point_that_never_came_is_masked_where_there_is_a_mask(files: OpenFiles, tmp_path: Path) -> None:
    batches = [[block(0, [[1, 1]])], [block(2, [[3]])], [block(4, [[5, 5]])]]
    data, mask, scan_file = write(tmp_path / "a.h5", files, batches, dtype=int, shape=(2,))
    assert data.tolist() == [[1, 1], [0, 0], [3, 0], [0, 0], [5, 5]]
    assert mask.tolist() == [[False] * 2, [True] * 2, [False, True], [True] * 2, [False] * 2]
    assert list(scan_file.lost.values()) == ["ctl:spectra: points 1 to 1, 3 to 3 never came"]


def test_a_mask_that_is_made_late_shows_the_points_before_it(files: OpenFiles, tmp_path: Path) -> None:
    batches = [[block(0, [[1, 2], [3, 4]])], [block(3, [[5, 6]])], [block(2, [[7, 8, 9]])]]
    data, mask, _ = write(tmp_path / "a.h5", files, batches, dtype=int, shape=(0,))
    assert data.tolist() == [[1, 2, 0], [3, 4, 0], [7, 8, 9], [5, 6, 0]]
    assert mask.tolist() == [[False, False, True]] * 2 + [[False] * 3, [False, False, True]]


def test_texts_are_padded_with_empty_ones(files: OpenFiles, tmp_path: Path) -> None:
    values = np.empty(2, dtype=object)
    values[:] = [["a"], ["b", "c"]]
    data, mask, _ = write(tmp_path / "a.h5", files, [[Block(NAME, 0, values)]], dtype=object, shape=(1,))
    assert data.tolist() == [[b"a", b""], [b"b", b"c"]]
    assert mask is None


def test_a_mask_gives_way_to_what_has_its_name(files: OpenFiles, tmp_path: Path) -> None:
    info = scan_info(MASTERS, filename=str(tmp_path / "a.h5"), dims={NAME: 1})
    scan = Scan.from_info(info, "session:ds:1_scan")
    scan_file = ScanFile(scan, files, LayoutOptions())
    scan_file.create()
    description = channel(scan, NAME, int, (2,))
    scan_file.add_channel(description)
    write_value(next(iter(scan_file._channels.by_key.values()))[1].group, "data_mask", "mine")
    scan_file.append({description.key: [block(0, [[1]])]})
    scan_file.finish({}, "", None)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file[f"{DATASET}_mask"][()] == b"mine"
        assert file[f"{DATASET}_mask_2"][()].tolist() == [[False, True]]


def contents(path: Path) -> dict[str, Any]:
    """Everything in a file that does not tell when it was written."""
    found: dict[str, Any] = {}

    def keep(name: str, item: Any) -> None:
        found[name] = dict(item.attrs)
        if isinstance(item, h5py.Dataset) and not name.endswith(
            ("date", "end_time", "program", "writer/start_time")
        ):
            found[name] |= {"": np.asarray(item[()]).tolist(), "shape": item.shape, "chunks": item.chunks}

    with h5py.File(path) as file:
        file.visititems(keep)
    return found


RUNS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.booleans()), min_size=1, max_size=6)
"""(length of a point, how many of them, whether a batch begins with them)"""


@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    runs=RUNS,
    declared=st.integers(0, 3),
    cuts=st.sets(st.integers(1, 24), max_size=3),
    repeat=st.sampled_from([0, 0, 1, 3]),
    dtype=st.sampled_from(["i4", "f8"]),
    fields=st.sampled_from([{}, COMPRESSED]),
)
def test_any_cut_of_a_stream_makes_the_same_file(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[tuple[int, int, bool]],
    declared: int,
    cuts: set[int],
    repeat: int,
    dtype: str,
    fields: dict[str, Any],
) -> None:
    """Masks included; also when some points are read twice."""
    tmp_path = tmp_path_factory.mktemp("cut")
    files = OpenFiles()
    lengths: list[int] = []
    for length, count, begins_batch in runs:
        cuts |= {len(lengths)} if begins_batch else set()
        lengths += [length] * count
    blocks = [Block(NAME, row, np.full((1, n), row + 1).astype(dtype)) for row, n in enumerate(lengths)]
    edges = sorted({0, len(blocks), *(cut for cut in cuts if cut < len(blocks))})
    batches = [blocks[max(0, a - repeat) : b] for a, b in itertools.pairwise(edges)]
    path = tmp_path / "scan.h5"
    found = []
    for parts in (batches, [blocks]):
        data, mask, scan_file = write(path, files, parts, dtype=dtype, shape=(declared,), **fields)
        assert scan_file.lost == {}
        found.append(contents(path))
        path.unlink()
    np.testing.assert_equal(found[0], found[1])
    for row, length in enumerate(lengths):
        assert (data[row, :length] == row + 1).all()
        assert mask is None or mask[row].tolist() == [False] * length + [True] * (data.shape[1] - length)
    assert (mask is None) == all(length == data.shape[1] for length in lengths)
