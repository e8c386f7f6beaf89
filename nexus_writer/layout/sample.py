"""The sample of a scan, from what the data policy knows of its dataset.

The ESRF's metadata catalogue (ICAT) has flat names; its definitions say where each one belongs in a NeXus
file. This is the part of them for samples (icat-esrf-definitions, ``hdf5_cfg.xml``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PREFIX = "Sample"
_NAME = re.compile(r"^Sample([A-Z]\w*?)?_(\w+)$")


@dataclass(frozen=True, slots=True)
class Section:
    """Fields of the catalogue that share a prefix, and the group that takes them, below ``sample``."""

    path: str
    texts: frozenset[str]
    numbers: Mapping[str, tuple[Callable[[Any], Any], str]]


def _section(path: str, texts: str, **numbers: tuple[Callable[[Any], Any], str]) -> Section:
    return Section(path, frozenset(texts.split()), numbers)


SECTIONS: dict[str, Section] = {
    "": _section(
        "",
        "name description support situation ub_matrix temperature_env chemical_formula subject"
        " repository_institution collection_number collection_period creator creator_role categories",
        distance=(float, "mm"),
        thickness=(float, "mm"),
        collection_year=(int, ""),
    ),
    "Changer": _section("changer", "name position"),
    "Environment": _section("environment", "name type description"),
    "EnvironmentSensors": _section("environment/sensors", "name value"),
    "Localisation": _section("localisation", "name country continental_region"),
    "Paleo": _section("paleo", "scientific_domain repository_institution collection_number"),
    "PaleoClassification": _section(
        "paleo/classification", "species material_type clade1 clade2 clade3 clade4 clade5 clade6"
    ),
    "PaleoGeologicalTime": _section("paleo/geological_time", "formation era period epoch"),
    "Patient": _section(
        "patient",
        "institute sex info organ_name organ_description",
        number=(int, ""),
        age=(float, "a"),
        weight=(float, "kg"),
        size=(float, "cm"),
    ),
    "Protein": _section("protein", "acronym name"),
    "Solvent01": _section("solvent01", "chemical_formula", density=(float, "g/cm³")),
    "TrackingContainer": _section("tracking/container", "type capacity position id name"),
    "TrackingParcel": _section("tracking/parcel", "id name", storage_condition=(float, "°C")),
    "TrackingShipment": _section("tracking/shipment", "id name"),
}
"""By what stands between ``Sample`` and the underscore."""

CLASSES = {
    "": "NXsample",
    "notes": "NXnote",
    "environment": "NXenvironment",
    "environment/sensors": "NXsensor",
}
"""Classes of the groups; any other is an NXcollection."""

LEFT_OUT = frozenset({"SamplePositioners_name", "SamplePositioners_value"})


def sample_tree(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What to write into ``sample``, and a warning for each field that has no place there.

    The tree is empty where the metadata say nothing of a sample.
    """
    tree: dict[str, Any] = {}
    warnings: list[str] = []
    for name, value in metadata.items():
        if not name.startswith(PREFIX) or name in LEFT_OUT:
            continue
        spot = _spot(name)
        if spot is None:
            warnings.append(f"sample: {name} is not a known field of the metadata catalogue, left out")
            continue
        path, member, convert, unit = spot
        group = _group(tree, path)
        group[member] = _converted(value, convert)
        if unit:
            group[f"{member}@units"] = unit
    return tree, warnings


def _spot(name: str) -> tuple[str, str, Callable[[Any], Any] | None, str] | None:
    """Group, member, conversion and unit of a field of the catalogue; None for an unknown one."""
    if name == "Sample_notes":
        return "notes", "notes", None, ""
    match = _NAME.match(name)
    section = SECTIONS.get(match.group(1) or "") if match else None
    if match is None or section is None:
        return None
    member = match.group(2)
    if member in section.texts:
        return section.path, member, None, ""
    if member in section.numbers:
        return section.path, member, *section.numbers[member]
    return None


def _group(tree: dict[str, Any], path: str) -> dict[str, Any]:
    """The mapping at ``path``, made with its class, and its parents, when it is not there yet."""
    tree.setdefault("@NX_class", CLASSES[""])
    group = tree
    parts = path.split("/") if path else []
    for depth, part in enumerate(parts, 1):
        group = group.setdefault(part, {})
        group.setdefault("@NX_class", CLASSES.get("/".join(parts[:depth]), "NXcollection"))
    return group


def _converted(value: Any, convert: Callable[[Any], Any] | None) -> Any:
    """As the catalogue has it; a text that is no number stays a text."""
    if convert is None:
        return value
    try:
        return convert(value)
    except (TypeError, ValueError):
        return value
