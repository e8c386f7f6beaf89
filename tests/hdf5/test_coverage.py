from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.hdf5.coverage import Coverage

RANGES = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 8)).map(lambda r: (r[0], r[0] + r[1])), max_size=20
)


@given(RANGES)
def test_it_knows_what_a_set_of_indices_knows(ranges: list[tuple[int, int]]) -> None:
    coverage, there = Coverage(), set[int]()
    for start, stop in ranges:
        missing = coverage.missing(start, stop)
        assert [i for low, high in missing for i in range(low, high)] == sorted(
            set(range(start, stop)) - there
        )
        coverage.add(start, stop)
        there |= set(range(start, stop))
        assert coverage.points == max(there, default=-1) + 1
        assert {i for low, high in coverage.gaps for i in range(low, high)} == set(
            range(coverage.points)
        ) - there
        assert all(low < high for low, high in coverage.gaps)
        assert all(a[1] < b[0] for a, b in zip(coverage.gaps, coverage.gaps[1:], strict=False))


def test_a_copy_is_its_own() -> None:
    coverage = Coverage()
    coverage.add(2, 3)
    copy = coverage.copy()
    copy.add(0, 2)
    assert (coverage.gaps, copy.gaps) == ([(0, 2)], [])
