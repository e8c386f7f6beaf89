"""How datasets want to be shown."""

import pytest

from nexus_writer.layout.interpretation import interpretation


@pytest.mark.parametrize(
    ("detector_rank", "grid_rank", "shown_as"),
    [
        (0, 0, None),
        (0, 2, "image"),
        (0, 3, "vertex"),
        (0, 4, None),
        (1, 0, "spectrum"),
        (1, 2, "spectrum"),
        (2, 0, "image"),
        (3, 0, "vertex"),
        (4, 0, None),
    ],
)
def test_interpretation(detector_rank: int, grid_rank: int, shown_as: str | None) -> None:
    assert interpretation(detector_rank, grid_rank) == shown_as
