"""What the catalogue's fields become."""

from __future__ import annotations

import pytest

from nexus_writer.layout.sample import sample_tree


@pytest.mark.parametrize(
    ("field", "value", "group", "member", "written", "unit"),
    [
        ("Sample_name", "x", "", "name", "x", None),
        ("Sample_description", "x", "", "description", "x", None),
        ("Sample_chemical_formula", "H2O", "", "chemical_formula", "H2O", None),
        ("Sample_thickness", "0.5", "", "thickness", 0.5, "mm"),
        ("Sample_collection_year", "1999", "", "collection_year", 1999, None),
        ("Sample_thickness", "thin", "", "thickness", "thin", "mm"),
        ("Sample_notes", "n", "notes", "notes", "n", None),
        ("SampleChanger_position", "3", "changer", "position", "3", None),
        ("SampleEnvironment_name", "oven", "environment", "name", "oven", None),
        ("SampleEnvironmentSensors_value", "1 2", "environment/sensors", "value", "1 2", None),
        ("SampleProtein_acronym", "p", "protein", "acronym", "p", None),
        ("SamplePatient_age", 40, "patient", "age", 40.0, "a"),
        ("SamplePatient_number", "12", "patient", "number", 12, None),
        ("SampleLocalisation_country", "FR", "localisation", "country", "FR", None),
        ("SampleTrackingShipment_name", "s", "tracking/shipment", "name", "s", None),
        ("SampleTrackingParcel_id", "i", "tracking/parcel", "id", "i", None),
        ("SampleTrackingContainer_type", "t", "tracking/container", "type", "t", None),
    ],
)
def test_places(
    field: str, value: object, group: str, member: str, written: object, unit: str | None
) -> None:
    tree, warnings = sample_tree({field: value})
    assert warnings == []
    assert tree["@NX_class"] == "NXsample"
    for part in filter(None, group.split("/")):
        tree = tree[part]
        assert tree["@NX_class"].startswith("NX")
    assert tree[member] == written
    assert type(tree[member]) is type(written)
    assert tree.get(f"{member}@units") == unit


def test_nothing_of_a_sample_leaves_no_group() -> None:
    assert sample_tree({"startDate": 1, "definition": "XRF", "SamplePositioners_name": "x"}) == ({}, [])


def test_an_unknown_field_is_left_out_and_told() -> None:
    tree, (warning,) = sample_tree({"Sample_smell": "sour", "Sample_name": "x"})
    assert tree == {"@NX_class": "NXsample", "name": "x"}
    assert "Sample_smell" in warning
