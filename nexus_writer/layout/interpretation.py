"""How a dataset wants to be shown."""

from __future__ import annotations

_OF_DETECTOR = {1: "spectrum", 2: "image", 3: "vertex"}
_OF_GRID = {2: "image", 3: "vertex"}


def interpretation(detector_rank: int, grid_rank: int) -> str | None:
    """The ``interpretation`` of a dataset whose points have ``detector_rank`` dimensions of their own.

    ``grid_rank`` counts the dimensions of the scan that the dataset is saved with: those of a mesh only
    where it keeps its shape. They decide for scalars alone.
    """
    return _OF_DETECTOR.get(detector_rank) if detector_rank else _OF_GRID.get(grid_rank)
