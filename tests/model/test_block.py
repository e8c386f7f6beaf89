"""Blocks of points."""

from __future__ import annotations

import numpy as np

from nexus_writer.model import Block
from nexus_writer.model.block import LARGE_NBYTES, joined


def test_blocks_are_joined_where_they_follow_each_other() -> None:
    blocks = [
        Block("c", 0, np.zeros(3)),
        Block("c", 3, np.ones(2)),
        Block("c", 6, np.ones(1)),
        Block("c", 7, np.ones(2, np.int32)),
        Block("c", 9, np.ones((1, 4), np.int32)),
    ]
    found = joined(blocks)
    assert [(block.start, len(block), block.values.dtype.kind) for block in found] == [
        (0, 5, "f"),
        (6, 1, "f"),
        (7, 2, "i"),
        (9, 1, "i"),
    ]
    assert found[0].values.tolist() == [0, 0, 0, 1, 1]


def test_large_blocks_are_not_copied() -> None:
    values = [np.zeros((1, size), np.uint8) for size in (8, LARGE_NBYTES, LARGE_NBYTES, 8)]
    blocks = [Block("c", start, points) for start, points in enumerate(values)]
    assert [id(block.values) for block in joined(blocks)] == [id(points) for points in values]
