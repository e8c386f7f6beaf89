"""Ranges of pages, held against a plain set."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5.free_pages import FreePages

ranges = st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 8))


@settings(deadline=None, max_examples=300)
@given(st.lists(ranges, max_size=20))
def test_they_are_what_was_added_and_not_taken(steps: list[tuple[bool, int, int]]) -> None:
    free = FreePages()
    model: set[int] = set()
    for adds, start, length in steps:
        asked = range(start, start + length)
        if adds:
            free.add(start, start + length)
            model.update(asked)
        else:
            taken = [number for low, high in free.take(start, start + length) for number in range(low, high)]
            assert taken == sorted(model.intersection(asked))
            model.difference_update(asked)
        found = list(free)
        assert [number for low, high in found for number in range(low, high)] == sorted(model)
        assert all(before[1] < after[0] for before, after in itertools.pairwise(found))
        assert bool(free) == bool(model)
