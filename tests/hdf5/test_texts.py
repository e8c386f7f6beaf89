import pytest

from nexus_writer.hdf5.texts import to_text


class Mute:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("µm", "µm"),
        (b"\xc2\xb5m", "µm"),
        (b"\xb5m", "\\xb5m"),
        ("a\0b", "a\\x00b"),
        ("\udcff", "\\udcff"),
        (None, "None"),
        (1.5, "1.5"),
        (Mute(), "<Mute>"),
    ],
)
def test_nothing_is_lost_that_hdf5_does_not_take(value: object, text: str) -> None:
    assert to_text(value) == text
