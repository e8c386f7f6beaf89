"""Reading what came from Redis, where any field may be missing or be something else."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Generic, TypeVar

import numpy as np

Part = TypeVar("Part")

_LARGEST = 2**53
"""Above it a float skips integers, and no number of points lies there."""


class Fields:
    """The fields of a mapping, each as the type that it should have.

    A field of another type counts as missing and is told in ``problems``, as is a missing one that was
    asked for with ``needed``; neither raises. None is the same as missing. ``where`` is put before the
    field's name in what is told.
    """

    def __init__(self, values: Mapping[Any, Any], problems: list[str], where: str = "") -> None:
        self.values = values
        self.problems = problems
        self.where = where

    def _get(self, name: str, wanted: str, fits: Any, needed: bool) -> Any:
        value = self.values.get(name)
        if value is None:
            if needed:
                self.problems.append(f"{self.where}{name} is missing")
            return None
        if isinstance(value, fits):
            return value
        self.problems.append(f"{self.where}{name} is {type(value).__name__} instead of {wanted}")
        return None

    def text(self, name: str, default: str = "", *, needed: bool = False) -> str:
        value = self._get(name, "text", (str, bytes), needed)
        if isinstance(value, bytes):
            return value.decode("utf-8", "replace")
        return default if value is None else str(value)

    def flag(self, name: str, default: bool = False, *, needed: bool = False) -> bool:
        value = self._get(name, "true or false", (bool, np.bool_, Integral), needed)
        return default if value is None else bool(value)

    def number(self, name: str, *, needed: bool = False) -> float | None:
        """A finite number, else None."""
        value = self._get(name, "a number", Real, needed)
        if value is None:
            return None
        if not math.isfinite(value):
            self.problems.append(f"{self.where}{name} is {value}")
            return None
        return float(value)

    def integer(self, name: str, default: int = 0, *, needed: bool = False) -> int:
        value = self.number(name, needed=needed)
        if value is not None and abs(value) > _LARGEST:
            self.problems.append(f"{self.where}{name} is {value}")
            value = None
        return default if value is None else int(value)

    def mapping(self, name: str, *, needed: bool = False) -> Mapping[str, Any]:
        """A mapping by text; {} when there is none."""
        value = self._get(name, "a mapping", Mapping, needed)
        return {} if value is None else {k: v for k, v in value.items() if isinstance(k, str)}

    def fields(self, name: str, *, needed: bool = False) -> Fields:
        """The fields of the mapping at ``name``."""
        return Fields(self.mapping(name, needed=needed), self.problems, f"{self.where}{name}.")

    def items(self, name: str, *, needed: bool = False) -> list[Any]:
        """The elements of a list; [] when there is none."""
        value = self._get(name, "a list", (Sequence, set, frozenset, np.ndarray), needed)
        if isinstance(value, (str, bytes)):
            self.problems.append(f"{self.where}{name} is {type(value).__name__} instead of a list")
            return []
        return [] if value is None else list(value)

    def texts(self, name: str, *, needed: bool = False) -> tuple[str, ...]:
        """The texts of a list; its other elements are told."""
        items = self.items(name, needed=needed)
        texts = tuple(str(item) for item in items if isinstance(item, str))
        if len(texts) < len(items):
            self.problems.append(f"{self.where}{name} has elements that are no text")
        return texts


@dataclass(frozen=True, slots=True)
class PartRead(Generic[Part]):
    """What was read of a part of an info, what it was read from, and what was told in ``problems``."""

    sources: tuple[object, ...]
    value: Part
    problems: tuple[str, ...]


def read_part(
    read: Callable[[Fields], Part],
    fields: Fields,
    sources: tuple[object, ...],
    earlier: PartRead[Part] | None,
) -> PartRead[Part]:
    """What ``read`` makes of ``fields``, or did ``earlier`` where the sources are the very same objects:
    nobody changes them."""
    if earlier is not None and all(map(operator.is_, sources, earlier.sources)):
        fields.problems.extend(earlier.problems)
        return earlier
    before = len(fields.problems)
    value = read(fields)
    return PartRead(sources, value, tuple(fields.problems[before:]))
