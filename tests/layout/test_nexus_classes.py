"""What is said of NeXus' classes, held against their definitions."""

from __future__ import annotations

import pytest

from nexus_writer.layout.nexus_classes import KNOWN, class_of_name, is_allowed

validate = pytest.importorskip("nexusformat.nexus.validate")


@pytest.mark.parametrize("parent", sorted(KNOWN))
def test_groups_that_are_allowed_are_valid(parent: str) -> None:
    validator = validate.get_validator(parent)
    assert validator.valid_class
    if not validator.ignoreExtraGroups:
        assert {child for child in KNOWN if is_allowed(child, parent)} <= set(validator.valid_groups)
    for name, tag in validator.valid_groups.items():
        assert class_of_name(parent, name) in (None, tag.get("@type", name))


@pytest.mark.parametrize("parent", ["NXentry", "NXinstrument", "NXdetector", "NXpositioner", "NXsample"])
def test_nothing_that_is_valid_in_our_own_groups_is_refused(parent: str) -> None:
    validator = validate.get_validator(parent)
    classes = {name for name in validator.valid_groups if name.startswith("NX")}
    assert {name for name in classes if not is_allowed(name, parent)} == set()
    named = {name for name in validator.valid_groups if name.islower()}
    assert {name for name in named if class_of_name(parent, name) is None} == set()
