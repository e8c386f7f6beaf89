"""Where the motors of the session stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import Fields


@dataclass(frozen=True, slots=True)
class PositionerSnapshots:
    """Positions by motor name, in user and dial units, when the scan started and when it ended.

    A position is a number, or a text where the axis is in error. Those of the end are empty until then.
    """

    start: Mapping[str, Any] = field(default_factory=dict)
    dial_start: Mapping[str, Any] = field(default_factory=dict)
    end: Mapping[str, Any] = field(default_factory=dict)
    dial_end: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


def read_positioners(info: Fields) -> PositionerSnapshots:
    positioners = info.fields("positioners")
    units = positioners.mapping("positioners_units")
    return PositionerSnapshots(
        positioners.mapping("positioners_start"),
        positioners.mapping("positioners_dial_start"),
        positioners.mapping("positioners_end"),
        positioners.mapping("positioners_dial_end"),
        {name: unit for name, unit in units.items() if isinstance(unit, str) and unit},
    )
