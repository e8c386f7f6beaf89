"""Metadata in the names and classes that NeXus allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.layout.valid_tree import valid_tree


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"a": 1, "@b": 2, "a@units": "mm", ">link": "a", "c": {"d": [1, 2]}, "e/f": 3, "g": None},
        {"source": {"@NX_class": "NXsource", "current": 200.0}},
        {"detector": {"@NX_class": "NXdetector", "efficiency": {"@NX_class": "NXdata", "@signal": "x"}}},
    ],
)
def test_a_valid_tree_stays_as_it_is(tree: dict[str, Any]) -> None:
    assert valid_tree(tree) == tree


@pytest.mark.parametrize(
    ("tree", "valid"),
    [
        ({"2b": 1}, {"_2b": 1, "_2b@published_name": "2b"}),
        ({"a b": 1, "a b@units": "s"}, {"a_b": 1, "a_b@published_name": "a b", "a_b@units": "s"}),
        (
            {"a b": 1, "a-b": 2, "a_b": 3},
            {
                "a_b_2": 1,
                "a_b_2@published_name": "a b",
                "a_b_3": 2,
                "a_b_3@published_name": "a-b",
                "a_b": 3,
            },
        ),
        ({"µ": {"x.y": 1}}, {"_": {"@published_name": "µ", "x_y": 1, "x_y@published_name": "x.y"}}),
        ({"a/2 b": 1}, {"a/_2_b": 1, "a/_2_b@published_name": "a/2 b"}),
        ({">my link": "/target"}, {">my_link": "/target"}),
        ({"gone away": None}, {"gone_away": None}),
        ({"my@attribute of 2": 1}, {"my@attribute of 2": 1}),
        ({"": 1}, {"": 1}),
    ],
)
def test_names(tree: dict[str, Any], valid: dict[str, Any]) -> None:
    assert valid_tree(tree) == valid


@pytest.mark.parametrize(
    ("parent", "published", "kept"),
    [
        ("NXcollection", "NXcrystal", True),
        ("NXinstrument", "NXcrystal", True),
        ("NXentry", "NXcrystal", False),
        ("NXdetector", "NXdetector_module", True),
        ("NXdetector", "NXsource", False),
        ("NXcollection", "NXmine", False),
        ("NXcollection", "mine", False),
        ("NXcollection", "NXdata", False),
    ],
)
def test_classes(parent: str, published: str, kept: bool) -> None:
    (group,) = valid_tree({"x": {"@NX_class": published, "y": 1}}, parent).values()
    other = {"@NX_class": "NXcollection", "@published_class": published, "y": 1}
    assert group == ({"@NX_class": published, "y": 1} if kept else other)


def test_names_that_nexus_keeps_for_groups_of_another_class() -> None:
    tree = {"efficiency": {"x": 1}, "data_file": {"@NX_class": "NXnote"}}
    assert valid_tree(tree, "NXdetector") == {
        "efficiency_": {"@published_name": "efficiency", "x": 1},
        "data_file": {"@NX_class": "NXnote"},
    }
    assert valid_tree(tree) == tree


NAMES = st.text("ab2 _-@.", max_size=5)
TREES = st.recursive(st.integers(), lambda values: st.dictionaries(NAMES, values, max_size=4), max_leaves=8)


@given(st.dictionaries(NAMES, TREES, max_size=5))
def test_nothing_is_lost(tree: dict[str, Any]) -> None:
    values = [value for key, value in tree.items() if "@" not in key and not isinstance(value, dict)]
    found = [value for key, value in valid_tree(tree).items() if "@" not in key and isinstance(value, int)]
    assert sorted(found) == sorted(values)
