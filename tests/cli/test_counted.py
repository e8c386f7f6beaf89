"""Numbers of things."""

from __future__ import annotations

import pytest

from nexus_writer.cli.counted import counted


@pytest.mark.parametrize(("number", "text"), [(0, "0 datasets"), (1, "1 dataset"), (2, "2 datasets")])
def test_one_thing_or_several(number: int, text: str) -> None:
    assert counted(number, "dataset") == text
