from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_writer.hdf5.texts import TEXT
from nexus_writer.hdf5.values import Unstorable, storable


@pytest.mark.parametrize(
    ("value", "dtype", "shape"),
    [
        (True, "?", ()),
        (1, "i8", ()),
        (2**63, "u8", ()),
        (1.5, "f8", ()),
        (1j, "c16", ()),
        (np.float32(1), "f4", ()),
        (np.arange(3, dtype=">u2"), ">u2", (3,)),
        ([1, 2], "i8", (2,)),
        ((1, 2.5), "f8", (2,)),
        ([True, False], "?", (2,)),
        ([[1, 2], [3, 4]], "i8", (2, 2)),
        ([np.int16(1), np.int16(2)], "i2", (2,)),
        ([np.zeros(2), np.ones(2)], "f8", (2, 2)),
        ([], "f8", (0,)),
        ([[], []], "f8", (2, 0)),
    ],
)
def test_numbers_keep_their_type(value: Any, dtype: str, shape: tuple[int, ...]) -> None:
    array = storable(value)
    assert (array.dtype, array.shape) == (np.dtype(dtype), shape)
    assert (array == np.asarray(value)).all()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        (b"a", "a"),
        (np.str_("a"), "a"),
        (["a", b"b"], ["a", "b"]),
        ([["a"], ["b"]], [["a"], ["b"]]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([b"a"]), ["a"]),
        (np.array(["a", b"b"], object), ["a", "b"]),
    ],
)
def test_text_becomes_text(value: Any, expected: Any) -> None:
    array = storable(value)
    assert array.dtype == TEXT
    assert array.tolist() == expected


def cyclic() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def bomb() -> list[Any]:
    """A few lists that name each other make 10^10 items."""
    value: list[Any] = [0] * 10
    for _ in range(9):
        value = [value] * 10
    return value


@pytest.mark.parametrize(
    "value",
    [
        object(),
        datetime.datetime.now(),
        np.datetime64("2024-01-01"),
        np.array([None, 1]),
        {1, 2},
        {"a": 1},
        [{"a": 1}],
        [1, "a"],
        [1, None],
        [[1], [1, 2]],
        [[1], 2],
        2**64,
        [2**64, -1],
        cyclic(),
        np.zeros(2, dtype=[("a", "i4")]),
        range(3),
    ],
)
def test_what_hdf5_has_no_type_for(value: Any) -> None:
    with pytest.raises(Unstorable):
        storable(value)


def test_a_list_that_explodes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus_writer.hdf5.values.MOST_ITEMS", 1000)
    with pytest.raises(Unstorable, match="more than 1000 items"):
        storable(bomb())


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.complex_numbers()
)


@given(
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner), max_leaves=20)
)
def test_it_gives_an_array_or_says_why_not(value: Any) -> None:
    try:
        array = storable(value)
    except Unstorable as error:
        assert str(error)
    else:
        assert array.dtype == TEXT or array.dtype.kind in "biufc"
