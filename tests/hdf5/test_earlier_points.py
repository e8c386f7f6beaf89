"""Points that were written are read back as they came, whatever the shape of the scan and of the points."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import (
    EarlierPoints,
    OpenFiles,
    PointsRefused,
    create_group,
    datasets_by_attribute,
    points_dataset,
    soft_link,
)
from nexus_writer.model import Block

SCALARS = np.arange(12.0)
SPECTRA = np.arange(60, dtype=">u2").reshape(12, 5)
TEXTS = np.array([f"µ{n}" for n in range(12)], dtype=object)
FLAGS = np.arange(12) % 3 == 0


def written(path: Path, scan_shape: tuple[int, ...], blocks: list[Block]) -> None:
    files = OpenFiles()
    file = files.acquire(path, {})
    group = create_group(file.root, "group", "NXdetector")
    values = blocks[0].values
    dataset = points_dataset(group, "data", values.dtype, values.shape[1:], scan_shape=scan_shape)
    dataset.append(blocks)
    files.release(file)


def joined(blocks: list[Block]) -> np.ndarray[Any, Any]:
    assert all(one.stop == other.start for one, other in pairwise(blocks))
    return np.concatenate([block.values for block in blocks])


@pytest.mark.parametrize(
    "values", [SCALARS, SPECTRA, TEXTS, FLAGS], ids=["scalars", "spectra", "texts", "flags"]
)
@pytest.mark.parametrize("scan_shape", [(0,), (12,), (3, 4), (2, 2, 3)])
def test_any_part_of_any_scan(
    scan_shape: tuple[int, ...], values: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    path = tmp_path / "file.h5"
    written(path, scan_shape, [Block("key", 0, values)])
    with h5py.File(path) as file:
        earlier = EarlierPoints(file["group/data"], None, 12, scan_rank=len(scan_shape))
        assert earlier.point_shape == values.shape[1:]
        for start, stop in ((0, 12), (0, 1), (5, 11), (3, None), (11, 40)):
            blocks = list(earlier.blocks("key", start, stop))
            assert {block.values.dtype for block in blocks} == {values.dtype}
            assert joined(blocks).tolist() == values[start:stop].tolist()
        assert list(earlier.blocks("key", 12, None)) == []


def test_only_what_was_committed_and_no_gaps(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    written(path, (0,), [Block("key", 0, SCALARS)])
    with h5py.File(path) as file:
        earlier = EarlierPoints(file["group/data"], None, 9, [(6, 7), (2, 4)])
        assert earlier.ranges() == [(0, 2), (4, 6), (7, 9)]
        assert earlier.ranges(3, 7) == [(4, 6)]
        assert earlier.ranges(2, 4) == []
        assert [(block.start, block.values.tolist()) for block in earlier.blocks("key", 1, 20)] == [
            (1, [1.0]),
            (4, [4.0, 5.0]),
            (7, [7.0, 8.0]),
        ]


def test_a_single_point(tmp_path: Path) -> None:
    path = tmp_path / "file.h5"
    written(path, (), [Block("key", 0, SPECTRA[:1])])
    with h5py.File(path) as file:
        (block,) = EarlierPoints(file["group/data"], None, 1, scan_rank=0).blocks("key")
        assert block.values.tolist() == SPECTRA[:1].tolist()


def test_filled_up_points_have_their_own_shape(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "file.h5", "w") as file:
        data = file.create_dataset("data", data=np.arange(15.0).reshape(5, 3))
        mask = np.zeros((5, 3), bool)
        mask[1, 2] = mask[2, 2] = mask[3] = True
        earlier = EarlierPoints(data, file.create_dataset("mask", data=mask), 5)
        assert [(block.start, block.values.tolist()) for block in earlier.blocks("key")] == [
            (0, [[0, 1, 2]]),
            (1, [[3, 4], [6, 7]]),
            (3, [[]]),
            (4, [[12, 13, 14]]),
        ]


def test_a_dataset_of_too_few_dimensions_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "file.h5", "w") as file, pytest.raises(PointsRefused):
        EarlierPoints(file.create_dataset("data", data=SCALARS), None, 1, scan_rank=2)


def test_datasets_are_found_by_a_text_that_is_theirs_alone(tmp_path: Path) -> None:
    files = OpenFiles()
    file = files.acquire(tmp_path / "file.h5", {})
    for group, name, text in (
        ("a", "data", "one"),
        ("b", "data", "two"),
        ("b", "more", "two"),
        ("c", "x", "3"),
    ):
        child = file.root.require_group(group)
        points_dataset(child, name, float, (), scan_shape=(0,), attributes={"fullname": text})
    soft_link(file.root, "d", "/a")
    soft_link(file.root["a"], "link", "/c/x")
    found = datasets_by_attribute(file.root, "fullname")
    assert {text: (group.name, name) for text, (group, name) in found.items()} == {
        "one": ("/a", "data"),
        "3": ("/c", "x"),
    }
    found.clear()
    files.release(file)
