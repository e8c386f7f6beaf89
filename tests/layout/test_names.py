"""Names in a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.layout.names import UniqueNames, normalise, short_names


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a"], ["a"]),
        (["a:b:c"], ["c"]),
        (["a:b:c", "a:b:d"], ["c", "d"]),
        (["a:c", "x:c"], ["a:c", "x:c"]),
        (["c", "x:c"], ["c", "x:c"]),
        (["a:b:c", "x:c"], ["b:c", "x:c"]),
        (["a:b:c", "b:c", "c"], ["a:b:c", "b:c", "c"]),
        (["a:b:c", "d:b:c", "e:c"], ["a:b:c", "d:b:c", "e:c"]),
        (["b:c", "a:b:c", "x:y"], ["b:c", "a:b:c", "y"]),
        (["timer:epoch", "timer2:epoch", "ctl:diode"], ["timer:epoch", "timer2:epoch", "diode"]),
        ([], []),
    ],
)
def test_shortest_unique_suffix(names: list[str], short: list[str]) -> None:
    assert short_names(names) == dict(zip(names, short, strict=True))


PARTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4)


@given(st.lists(PARTS.map(":".join), unique=True, max_size=12))
def test_short_names_are_unique_suffixes(names: list[str]) -> None:
    short = short_names(names)
    assert set(short) == set(names)
    assert len(set(short.values())) == len(names)
    assert all(name == s or name.endswith(f":{s}") for name, s in short.items())
    assert short_names(reversed(names)) == short


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("diode_1", "diode_1"),
        ("a:b", "a_b"),
        ("a.-: b", "a_b"),
        ("é", "_"),
        ("a__b", "a__b"),
        ("-a-", "_a_"),
        ("2theta", "_2theta"),
        ("a2", "a2"),
        ("", ""),
    ],
)
def test_normalise(name: str, normal: str) -> None:
    assert normalise(name) == normal


def test_names_that_become_equal_are_numbered() -> None:
    names = UniqueNames()
    assert [names.give(raw) for raw in ("di-ode", "di_ode", "di ode", "di-ode")] == [
        "di_ode",
        "di_ode_2",
        "di_ode_3",
        "di_ode",
    ]


def test_a_number_may_be_taken_already() -> None:
    names = UniqueNames()
    assert [names.give(raw) for raw in ("a_2", "a", "a-", "a:", "a")] == ["a_2", "a", "a_", "a__2", "a"]


def test_reserved_names_are_not_given() -> None:
    assert UniqueNames(["name"]).give("name") == "name_2"


def test_a_name_is_never_empty() -> None:
    assert UniqueNames().give("") == "_"


def test_one_raw_name_for_different_things() -> None:
    names = UniqueNames()
    assert names.give("x", "detector x") == "x"
    assert names.give("x", "positioner x") == "x_2"
    assert names.give("x", "detector x") == "x"


@given(st.lists(st.text(alphabet="a-_:2", max_size=4), max_size=20))
def test_unique_names_are_unique(raws: list[str]) -> None:
    names = UniqueNames()
    given_names = {raw: names.give(raw) for raw in raws}
    assert len(set(given_names.values())) == len(given_names)
