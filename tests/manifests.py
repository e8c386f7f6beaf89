"""The manifest of an entry by the ten lines of its documentation: an independent look at what is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy

LAYOUT = Path(__file__).parents[1] / "docs" / "reference" / "file-layout.md"


def blocks_that_differ(entry: Any) -> Iterator[tuple[str, int, int]]:
    """Dataset, first and last point of each block that is not what it was; none without points."""
    if "writer/manifest" not in entry:
        return iter(())
    section = LAYOUT.read_text().partition("### Manifest\n")[2]
    code = section.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {"hashlib": hashlib, "numpy": numpy}
    exec(code, names)
    found: Iterator[tuple[str, int, int]] = names["blocks_that_differ"](entry)
    return found


def assert_as_written(entry: h5py.Group) -> None:
    """The entry has a manifest of every dataset with points, and is as that says."""
    assert list(blocks_that_differ(entry)) == []
    points = entry["writer/points"]
    counts = dict(zip(points["channel"].asstr()[()], points["committed"][()].tolist(), strict=True))
    manifest = entry["writer/manifest"] if "manifest" in entry["writer"] else {"dataset": []}
    listed = {path.decode() for path in manifest["dataset"]}
    for name, group in entry["instrument"].items():
        for member, item in group.items() if isinstance(group, h5py.Group) else ():
            is_link = not isinstance(group.get(member, getlink=True), h5py.HardLink)
            if is_link or not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
                continue
            if counts.get(item.attrs.get("fullname"), 0) and h5py.check_string_dtype(item.dtype) is None:
                assert f"instrument/{name}/{member}" in listed
            if member.endswith("_mask"):
                assert f"instrument/{name}/{member}" in listed
