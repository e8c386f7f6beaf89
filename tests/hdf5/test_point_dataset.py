"""The dataset of a single point, and the choice among the kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nexus_writer.hdf5 import (
    EntryExists,
    GridDataset,
    GrowingDataset,
    LiveFile,
    PointDataset,
    points_dataset,
    write_value,
)

from .conftest import as_after_a_kill, block, read_back


@pytest.mark.parametrize(
    ("dtype", "point_shape", "value"),
    [
        (float, (), 1.5),
        (np.int32, (), 7),
        (bool, (), True),
        (np.uint16, (3,), [1, 2, 3]),
        (float, (2, 0), [[], []]),
    ],
)
def test_a_single_point(live: LiveFile, dtype: Any, point_shape: tuple[int, ...], value: Any) -> None:
    dataset = PointDataset(live.root, "x", dtype, point_shape, attributes={"units": "V"})
    assert (dataset.points, dataset.path) == (0, "/x")
    dataset.append([block(0, np.array([value], dtype=dtype))])
    dataset.append([block(0, np.array([value], dtype=dtype))])
    dataset.finish()
    found = read_back(live, "x")
    np.testing.assert_array_equal(found, np.array(value, dtype=dtype))
    assert np.shape(found) == np.shape(value) == dataset.shape == dataset.point_shape
    assert (dataset.points, dataset.gaps) == (1, [])
    with as_after_a_kill(live) as file:
        assert dict(file["x"].attrs) == {"units": "V"}
        assert file["x"].dtype == np.dtype(dtype)


def test_a_text_as_single_point(live: LiveFile) -> None:
    dataset = PointDataset(live.root, "x", object, ())
    assert dataset.append([block(0, ["é"], object)]) == 2
    assert read_back(live, "x") == "é"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_second_point_makes_it_a_line(live: LiveFile, at_once: bool) -> None:
    dataset = PointDataset(live.root, "x", float, (), attributes={"units": "V"})
    blocks = [block(0, [1.0]), block(1, [2.0])]
    for part in [blocks] if at_once else [blocks[:1], blocks[1:]]:
        dataset.append(part)
    dataset.append([block(2, [3.0])])
    dataset.finish()
    assert read_back(live, "x").tolist() == [1, 2, 3]
    assert (dataset.points, dataset.shape, dataset.point_shape) == (3, (3,), ())
    with as_after_a_kill(live) as file:
        assert dict(file["x"].attrs) == {"units": "V"}


def test_a_lost_first_point_leaves_a_gap(live: LiveFile) -> None:
    dataset = PointDataset(live.root, "x", float, ())
    dataset.append([block(1, [2.0])])
    assert dataset.gaps == [(0, 1)]
    np.testing.assert_array_equal(read_back(live, "x"), [np.nan, 2])


def test_the_dataset_of_a_scan_of_any_shape(live: LiveFile) -> None:
    kinds = {(): PointDataset, (0,): GrowingDataset, (5,): GrowingDataset, (2, 3): GridDataset}
    for number, (shape, kind) in enumerate(kinds.items()):
        assert type(points_dataset(live.root, f"x{number}", float, (), scan_shape=shape)) is kind


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_a_name_that_is_taken(live: LiveFile, shape: tuple[int, ...]) -> None:
    write_value(live.root, "x", 1)
    with pytest.raises(EntryExists):
        points_dataset(live.root, "x", float, (), scan_shape=shape)
