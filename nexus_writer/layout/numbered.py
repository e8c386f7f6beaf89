"""Names for what another one has taken the name of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator


def numbered(name: str) -> Iterator[str]:
    """``name``, ``name_2``, ``name_3`` ..., without end."""
    yield name
    for number in itertools.count(2):
        yield f"{name}_{number}"
