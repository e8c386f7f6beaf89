"""Numbers that are written anew all the time."""

from __future__ import annotations

import pytest

from nexus_writer.hdf5 import Counts, EntryExists, FileBroken, LiveFile, create_group

from .conftest import as_after_a_kill, read_back


def test_they_grow_and_change(live: LiveFile) -> None:
    counts = Counts(live.root, "counts", 2)
    assert read_back(live, "counts").tolist() == []
    for values in ([1, 2], [3, 4], [5, 6, 2**40], []):
        counts.write(values)
        assert read_back(live, "counts").tolist() == values


def test_a_change_is_in_the_file_with_the_next_flush(live: LiveFile) -> None:
    """They are written after the flush of what they count; all of them, or none."""
    counts = Counts(live.root, "counts", 3000)
    counts.write(range(3000))
    live.flush()
    counts.write(range(5, 3005))
    with as_after_a_kill(live) as file:
        assert file["counts"][()].tolist() == list(range(3000))
    live.flush()
    with as_after_a_kill(live) as file:
        assert file["counts"][()].tolist() == list(range(5, 3005))
        assert file["counts"].maxshape == (None,)


def test_none_are_expected(live: LiveFile) -> None:
    counts = Counts(live.root, "counts", 0)
    counts.write([1])
    assert read_back(live, "counts").tolist() == [1]


def test_a_name_that_is_taken(live: LiveFile) -> None:
    create_group(live.root, "counts", "NXcollection")
    with pytest.raises(EntryExists):
        Counts(live.root, "counts", 1)


def test_a_broken_file_takes_none(live: LiveFile) -> None:
    counts = Counts(live.root, "counts", 1)
    live.poison("the disk is gone")
    with pytest.raises(FileBroken, match="the disk is gone"):
        counts.write([1])
