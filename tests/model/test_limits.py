"""What is believed, and what is shown, of what Redis says."""

from __future__ import annotations

import pytest

from nexus_writer.model.limits import is_credible_shape, one_line


@pytest.mark.parametrize(
    ("shape", "item_bytes", "credible"),
    [
        ((), 8, True),
        ((0,), 8, True),
        ((-1, -1), 8, True),
        ((8192, 8192), 8, True),
        ((8192, 8193), 8, False),
        ((10**9, 10**9), 1, False),
        ((10**400,), 1, False),
        ((0, 10**9, 10**9), 8, False),
        ((1,) * 16, 8, True),
        ((1,) * 17, 8, False),
        ((), 2**29 + 1, False),
        ((2**29,), 0, True),
    ],
)
def test_credible_shapes(shape: tuple[int, ...], item_bytes: int, credible: bool) -> None:
    assert is_credible_shape(shape, item_bytes) is credible


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("10 µm, 25 °C", "10 µm, 25 °C"),
        ("a\nERROR: b", "a\\nERROR: b"),
        ("\x1b[2Jgone\0", "\\x1b[2Jgone\\x00"),
        ("\ud800", "\\ud800"),
    ],
)
def test_texts_are_one_line(text: str, line: str) -> None:
    assert one_line(text) == line
