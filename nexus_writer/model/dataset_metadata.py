"""What the data policy knows of the dataset that a scan belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def merge_metadata(parents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The metadata of a dataset from its info and those of its collection and proposal, nearest first.

    The nearer wins; a frozen dataset inherits nothing. Fields of the policy itself (``__name__`` ...) and
    empty ones are left out.
    """
    if not parents:
        return {}
    sources = parents[:1] if parents[0].get("__frozen__") is True else parents
    merged: dict[str, Any] = {}
    for info in reversed(sources):
        for name, value in info.items():
            if isinstance(name, str) and not name.startswith("__") and value is not None:
                merged[name] = value
    return merged
