"""Positions of motors, as a file keeps them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .names import UniqueNames, normalise
from .valid_tree import PUBLISHED_NAME

COLLECTIONS_AT_START = {
    "positioners_start": "start",
    "positioners_dial_start": "dial_start",
    "positioners": "start",
}
COLLECTIONS_AT_END = {"positioners_end": "end", "positioners_dial_end": "dial_end"}
"""Names below ``instrument``, and the snapshot that each one shows."""


@dataclass(frozen=True, slots=True)
class Position:
    """One motor: a number or a text, and the attributes that go with it."""

    motor: str
    value: Any
    attributes: Mapping[str, str] = field(default_factory=dict)


def positions(snapshot: Mapping[str, Any], units: Mapping[str, str]) -> Iterator[Position]:
    """Those of a snapshot that have a value; an axis in error is NaN with its error as an attribute.

    A value that is neither a number nor a text comes as an NaN with the error "not storable".
    """
    for motor, value in snapshot.items():
        if value is None:
            continue
        attributes = {"units": units[motor]} if motor in units else {}
        error = _error(value)
        if error:
            yield Position(motor, math.nan, {**attributes, "error": error})
        else:
            yield Position(motor, value, attributes)


def named_positions(positions: Iterable[Position]) -> dict[str, Position]:
    """By the name in the file: the motor's own where NeXus allows it, otherwise it is an attribute."""
    names = UniqueNames()
    motors = {position.motor: position for position in positions}
    named = {}
    for motor in sorted(motors, key=lambda motor: normalise(motor) != motor):
        position = motors[motor]
        name = names.give(motor)
        if name != motor:
            attributes = {**position.attributes, PUBLISHED_NAME: motor}
            position = replace(position, attributes=attributes)
        named[name] = position
    return named


def _error(value: Any) -> str:
    """Why there is no position; "" where there is one."""
    if isinstance(value, str):
        return value if value.startswith(("*", "#", "!")) else ""
    if isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        return ""
    return f"not storable: {type(value).__name__}"
