"""Metadata are written once, unless they change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nexus_writer.layout import dump
from nexus_writer.layout.dump import Dump


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    trees: list[Any] = []

    def write_tree(group: Any, tree: Any) -> list[tuple[str, str]]:
        trees.append(tree)
        return [("/bad", "no type")] if "bad" in tree else []

    monkeypatch.setattr(dump, "write_tree", write_tree)
    return trees


@pytest.mark.parametrize(
    "tree",
    [
        {"a": 1},
        {"a": {"b": "text"}},
        {"a": np.arange(3)},
        {"a": [1, 2]},
        {"a": np.float32(1)},
    ],
)
def test_the_same_tree_is_written_once(written: list[Any], tree: dict[str, Any]) -> None:
    dump_ = Dump(print)
    for _ in range(3):
        dump_.write(None, tree, "source")
    assert len(written) == 1


@pytest.mark.parametrize(
    "changed",
    [{"a": 1.0}, {"a": 2}, {"a": 1, "b": 2}, {"b": 1}, {"a": True}, {"a": np.array([1])}, {"a": {"b": 1}}],
)
def test_a_tree_that_changed_is_written_again(written: list[Any], changed: dict[str, Any]) -> None:
    dump_ = Dump(print)
    dump_.write(None, {"a": 1}, "source")
    dump_.write(None, changed, "source")
    assert written == [{"a": 1}, changed]


def test_arrays_that_changed_are_written_again(written: list[Any]) -> None:
    dump_ = Dump(print)
    for array in (np.zeros(2), np.zeros(2, "f4"), np.zeros(3), np.ones(3)):
        dump_.write(None, {"a": array}, "source")
    assert len(written) == 4


def test_sources_do_not_mix(written: list[Any]) -> None:
    dump_ = Dump(print)
    dump_.write(None, {"a": 1}, "one")
    dump_.write(None, {"a": 1}, "two")
    assert len(written) == 2


def test_nothing_is_nothing(written: list[Any]) -> None:
    Dump(print).write(None, {}, "source")
    assert written == []


def test_what_is_known_to_be_there_is_not_written(written: list[Any]) -> None:
    dump_ = Dump(print)
    dump_.know({"a": "x"}, "source")
    dump_.write(None, {"a": "x"}, "source")
    assert written == []
    dump_.write(None, {"a": "y"}, "source")
    assert written == [{"a": "y"}]


@pytest.mark.usefixtures("written")
def test_what_cannot_be_stored_is_told() -> None:
    told: list[str] = []
    Dump(told.append).write(None, {"bad": object()}, "source")
    assert told == ["metadata /bad is not saved: no type"]


class Unequal:
    """Compares with nothing."""

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]


def test_what_cannot_be_compared_is_written_again(written: list[Any]) -> None:
    dump_ = Dump(print)
    for _ in range(2):
        dump_.write(None, {"a": Unequal()}, "source")
    assert len(written) == 2
