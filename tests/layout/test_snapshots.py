"""Positions as a file keeps them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nexus_writer.layout.snapshots import positions


def test_numbers_and_texts_stay_what_they_are() -> None:
    values = {"a": 1, "b": 1.5, "c": "open", "d": np.float32(2), "e": True}
    found = list(positions(values, {"b": "mm"}))
    assert [(p.motor, p.value) for p in found] == list(values.items())
    assert [dict(p.attributes) for p in found] == [{}, {"units": "mm"}, {}, {}, {}]


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
