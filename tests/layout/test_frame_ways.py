"""How the frames of a camera are saved."""

from __future__ import annotations

import pytest

from nexus_writer.layout import LayoutOptions
from nexus_writer.layout.frame_ways import Way, ways

V, E, C, T = Way.VIRTUAL, Way.EXTERNAL, Way.COPY, Way.TEXT


@pytest.mark.parametrize(
    ("format", "external_edf", "no_virtual", "copy", "expected"),
    [
        ("hdf5", False, False, False, [V, T]),
        ("hdf5bs", True, False, True, [V, T]),
        ("hdf5", False, True, False, [T]),
        ("hdf5gz", False, True, True, [C, T]),
        ("edf", False, False, False, [T]),
        ("edf", True, False, False, [E, T]),
        ("edf", True, True, True, [E, C, T]),
        ("edf", False, False, True, [C, T]),
        ("edfgz", True, False, False, [T]),
        ("edfgz", True, False, True, [C, T]),
        ("edfconcat", True, False, True, [T]),
        ("cbf", True, True, True, [T]),
        ("tiff", True, True, True, [T]),
        ("", True, True, True, [T]),
    ],
)
def test_ways(format: str, external_edf: bool, no_virtual: bool, copy: bool, expected: list[Way]) -> None:
    options = LayoutOptions(
        enable_external_nonhdf5=external_edf, disable_external_hdf5=no_virtual, copy_non_external=copy
    )
    assert ways(format, options) == expected
