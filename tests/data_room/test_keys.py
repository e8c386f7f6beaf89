"""Names of keys."""

import pytest

from nexus_writer.data import keys


def test_streams_and_hashes_of_a_node() -> None:
    names = [
        f("a:b") for f in (keys.children_list, keys.prepared, keys.end, keys.data, keys.info, keys.data_ref)
    ]
    assert names == [
        b"a:b_children_list",
        b"a:b_prepared",
        b"a:b_end",
        b"a:b_data",
        b"a:b_info",
        b"a:b_data_ref",
    ]


@pytest.mark.parametrize("raw", [b"plain", "Brüssel:größe ✓".encode(), b"not utf-8: \xff\xfe", b"[*]? \x00"])
def test_any_bytes_survive_as_text(raw: bytes) -> None:
    assert keys.to_bytes(keys.to_text(raw)) == raw


def test_below_means_a_whole_part_of_the_name() -> None:
    assert keys.is_below("s:1_ct:timer", "s:1_ct")
    assert not keys.is_below("s:1_ct2", "s:1_ct")
    assert not keys.is_below("s:1_ct", "s:1_ct")
