"""What the comparison with the classic files tolerates is what the documentation says, and no more."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.differences import DIFFERENCES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "differences-from-the-classic-layout.md"


def test_page_and_test_name_the_same_differences() -> None:
    rows = [
        line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ") and "✓" in line
    ]
    assert [row[1].strip() for row in rows] == [difference.what for difference in DIFFERENCES]


def test_patterns_are_regular_expressions() -> None:
    for difference in DIFFERENCES:
        re.compile(difference.pattern)
