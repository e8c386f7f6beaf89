"""Files of application definitions."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexus_writer.layout import BadApplications, application_definitions
from nexus_writer.layout.application_definitions import XRF

EXAMPLE = Path(__file__).parents[2] / "config" / "applications-xrf.yaml"


def test_the_example_is_what_is_known_without_a_file() -> None:
    assert application_definitions(EXAMPLE) == application_definitions(None) == (XRF,)


def test_a_definition_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "applications:\n"
        "  diffraction: {class: XRD, definition: NXmonopd, techniques: [xrd],"
        " links: {monitor: {channel: i0}}}\n"
        "  other: {name: third, class: X, definition: NXarchive}\n"
    )
    first, second, third = application_definitions(path)
    assert (first.name, first.kind, first.definition, first.techniques) == (
        "diffraction",
        "XRD",
        "NXmonopd",
        ("xrd",),
    )
    assert first.links["monitor"].channel == "i0"
    assert second.name == "third"
    assert third is XRF


def test_no_definitions(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text("applications: {}\n")
    assert application_definitions(path) == (XRF,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("applications: [", "expected the node content"),
        ("applications: {x: {definition: NXa}}", "applications.x.class: field required"),
        ("applications: {x: {class: a, definition: NXa, nonsense: 1}}", "x.nonsense: extra inputs"),
        ("", "applications: field required"),
        ("- a", "the file: input should be"),
        ("applications: {x: {class: a, definition: b, links: {i0: {}}}}", "give a parameter or a channel"),
        (
            "applications: {x: {class: a, definition: b, links: {i0: {parameter: I0, channel: c}}}}",
            "give a parameter or a channel",
        ),
        (
            "applications: {x: {class: a, definition: b, detectors: {type: mca, links: {mca: "
            "{dataset: spectrum, numbered: mca}}}}}",
            "detectors.links.mca.numbered: it has no place for a number",
        ),
        (
            "applications: {x: {class: a, definition: b, detectors: {type: mca, links: {}}}}",
            "detectors.links",
        ),
    ],
)
def test_a_file_that_is_wrong_is_one_clear_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(BadApplications) as error:
        application_definitions(path)
    assert str(error.value).startswith(f"application definitions in {path}: ")
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadApplications, match="cannot be read: No such file"):
        application_definitions(tmp_path / "nothing.yaml")
    with pytest.raises(BadApplications, match="cannot be read: Is a directory"):
        application_definitions(tmp_path)
