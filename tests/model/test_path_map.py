"""Directories as this host sees them."""

from __future__ import annotations

import pytest

from nexus_writer.model import BadPathMap, PathMaps

from .scan_infos import scan_info


@pytest.mark.parametrize(
    ("maps", "path", "mapped"),
    [
        (["/data=/mnt/data"], "/data/a.h5", "/mnt/data/a.h5"),
        (["/data=/mnt/data"], "/data", "/mnt/data"),
        (["/data=/mnt/data"], "/database/a.h5", "/database/a.h5"),
        (["/data/=/mnt/"], "/data/a.h5", "/mnt/a.h5"),
        (["/data=/x", "/data/id00=/y"], "/data/id00/a.h5", "/y/a.h5"),
        (["/data=/"], "/data/a.h5", "/a.h5"),
        (["/data=/"], "/data", "/"),
        ([], "/data", "/data"),
    ],
)
def test_apply(maps: list[str], path: str, mapped: str) -> None:
    assert PathMaps.parse(maps).apply(path) == mapped


@pytest.mark.parametrize("text", ["/data", "data=/x", "/data=x", "=", "=/x"])
def test_a_bad_map_says_what_a_good_one_is(text: str) -> None:
    with pytest.raises(BadPathMap, match="FROM=TO"):
        PathMaps.parse([text])


def test_all_paths_of_a_scan_info_are_mapped() -> None:
    info = scan_info("separate_loopscan")
    mapped = PathMaps.parse(["/data/id00/bliss/raw=/here"]).apply_to_scan_info(info)
    masters = mapped["nexuswriter"]["masterfiles"]
    assert {p[:14] for p in (mapped["filename"], mapped["images_path"], *masters.values())} == {
        "/here/visitor/"
    }
    assert info == scan_info("separate_loopscan")
    assert mapped["nexuswriter"]["devices"] == info["nexuswriter"]["devices"]
