"""Positions as a file keeps them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nexus_writer.layout.snapshots import named_positions, positions


def test_numbers_and_texts_stay_what_they_are() -> None:
    values = {"a": 1, "b": 1.5, "c": "open", "d": np.float32(2), "e": True}
    found = list(positions(values, {"b": "mm"}))
    assert [(p.motor, p.value) for p in found] == list(values.items())
    assert [dict(p.attributes) for p in found] == [{}, {"units": "mm"}, {}, {}, {}]


def test_motors_have_names_that_nexus_allows() -> None:
    """Their own where it does, whatever else becomes equal to it."""
    named = named_positions(positions({"m-1": 1.0, "m_1": 2.0, "2theta": 3.0, "m 1": 4.0}, {"m-1": "mm"}))
    assert {name: position.value for name, position in named.items()} == {
        "m_1": 2.0,
        "m_1_2": 1.0,
        "_2theta": 3.0,
        "m_1_3": 4.0,
    }
    assert named["m_1"].attributes == {}
    assert named["m_1_2"].attributes == {"units": "mm", "published_name": "m-1"}


def test_no_position_leaves_nothing() -> None:
    assert list(positions({"a": None}, {"a": "mm"})) == []


@pytest.mark.parametrize("error", ["*ERR*", "*DIS*", "#ERR", "!ERR"])
def test_an_axis_in_error_is_nan_and_says_so(error: str) -> None:
    (position,) = positions({"a": error}, {"a": "mm"})
    assert math.isnan(position.value)
    assert position.attributes == {"units": "mm", "error": error}


def test_what_cannot_be_stored_is_nan_too() -> None:
    (position,) = positions({"a": object()}, {})
    assert math.isnan(position.value)
    assert position.attributes == {"error": "not storable: object"}
