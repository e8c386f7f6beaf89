"""Multi-channel analysers: one group per detector element, and one for the sum of all.

A channel is called ``controller:quantity_detector``, one of the sum ``controller:quantity``. Quantities may
hold underscores, those of regions of interest in particular; only the elements that a controller is known to
have tell where the name of the element begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .spot import Naming, Spot

Elements = Mapping[str, frozenset[str]]
"""Of each controller, by its name."""

SUM = "sum"
SPECTRUM = "spectrum"


class Quantity(NamedTuple):
    """Name in the file, and unit."""

    name: str
    unit: str | None


QUANTITIES: Mapping[str, Quantity] = {
    "icr": Quantity("trigger_count_rate", "hertz"),
    "ocr": Quantity("event_count_rate", "hertz"),
    "deadtime": Quantity("fractional_dead_time", None),
    "triggers": Quantity("triggers", None),
    "events": Quantity("events", None),
    "trigger_livetime": Quantity("trigger_live_time", "s"),
    "energy_livetime": Quantity("live_time", "s"),
    "realtime": Quantity("elapsed_time", "s"),
}
"""The statistics of an element, by the name that the controller gives them; others keep theirs."""


def known_elements(names: Iterable[str]) -> Elements:
    """The elements of each controller, as the full names of its channels give them away.

    They are told by their spectra; where there are none, by their statistics.
    """
    spectra: dict[str, set[str]] = {}
    statistics: dict[str, set[str]] = {}
    for name in names:
        controller, _, last = name.rpartition(":")
        if last.startswith(f"{SPECTRUM}_"):
            spectra.setdefault(controller, set()).add(last.removeprefix(f"{SPECTRUM}_"))
        quantity, _, element = last.rpartition("_")
        if quantity in QUANTITIES:
            statistics.setdefault(controller, set()).add(element)
    return {controller: frozenset(found - {""}) for controller, found in {**statistics, **spectra}.items()}


def mca(naming: Naming) -> Spot:
    """The group ``controller:element``; the spectrum stands for it."""
    controller, _, last = naming.name.rpartition(":")
    quantity, element = _taken_apart(last, naming.detectors)
    name, unit = QUANTITIES.get(quantity, (quantity, None))
    group = f"{controller}:{element}" if controller else element
    return Spot(group, name, quantity == SPECTRUM, unit)


def _taken_apart(name: str, elements: Iterable[str]) -> tuple[str, str]:
    """(quantity, element). Without known elements the last underscore parts them."""
    known = [element for element in elements if name.endswith(f"_{element}") and name != f"_{element}"]
    if known:
        element = max(known, key=len)
        return name.removesuffix(f"_{element}"), element
    quantity, _, element = name.rpartition("_")
    return (name, SUM) if elements or not quantity or not element else (quantity, element)
