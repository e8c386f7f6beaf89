"""What the kind of a device says of one of its channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naming:
    """What the name of a channel's place depends on.

    ``name`` is the full name, ``short`` the same made short, ``data_type`` what the session says of it.
    ``detectors`` are the elements that the channel's controller is known to have ("det0", "det1"), where
    its kind has such.
    """

    name: str
    short: str
    data_type: str = ""
    detectors: Collection[str] = ()

    @property
    def parts(self) -> list[str]:
        return self.name.split(":")


@dataclass(frozen=True, slots=True)
class Spot:
    """Group and dataset as a kind of device names them, not normalised; the principal stands for its group.

    ``unit`` is the one that the kind knows. ``selection`` is the key of the device's metadata that concerns
    this group alone, "" when all of them do.
    """

    group: str
    dataset: str
    principal: bool
    unit: str | None = None
    selection: str = ""
