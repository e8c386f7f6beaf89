"""Which paths lead out of the directories that are allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexus_writer.model.path_map import PathMaps
from nexus_writer.model.roots import BadRoot, OutsideRoots, Roots


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "root2").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "in").symlink_to(root / "inside")
    (root / "dangling").symlink_to(tmp_path / "nothing")
    return root


@pytest.mark.parametrize(
    "name", ["", "file.h5", "inside/new/deep/file.h5", "in/file.h5", "..a/file.h5", "./a"]
)
def test_below(root: Path, name: str) -> None:
    Roots.parse([str(root)]).check(f"{root}/{name}")


@pytest.mark.parametrize(
    "name",
    ["../root2/file.h5", "inside/../file.h5", "out/file.h5", "dangling", "dangling/file.h5", "a\0b", "../.."],
)
def test_not_below(root: Path, name: str) -> None:
    with pytest.raises(OutsideRoots, match="is not below"):
        Roots.parse([str(root)]).check(f"{root}/{name}")


@pytest.mark.parametrize("path", ["/etc/passwd", "relative/file.h5", "", "{root}2/file.h5", "/"])
def test_elsewhere(root: Path, path: str) -> None:
    with pytest.raises(OutsideRoots):
        Roots.parse([str(root)]).check(path.format(root=root))


def test_several_roots_and_one_that_is_a_link(root: Path) -> None:
    roots = Roots.parse([str(root / "out"), str(root / "inside")])
    roots.check(root / "out" / "file.h5")
    roots.check(root / "in" / "file.h5")
    with pytest.raises(OutsideRoots):
        roots.check(root / "file.h5")


def test_without_roots_everything_is_allowed() -> None:
    Roots().check("/anything/../else")
    Roots.parse(["/"]).check("/etc/passwd")


@pytest.mark.parametrize("text", ["relative", "", "a/b", "/a\0"])
def test_bad_root(text: str) -> None:
    with pytest.raises(BadRoot):
        Roots.parse([text])


def test_maps_apply_before(root: Path) -> None:
    paths = PathMaps.parse([f"/data={root}"], [str(root)])
    assert paths.allowed("/data/file.h5") == f"{root}/file.h5"
    with pytest.raises(OutsideRoots):
        paths.allowed("/other/file.h5")
    with pytest.raises(OutsideRoots):
        paths.allowed("/data/../etc")


def test_masters_outside_are_left_out(root: Path) -> None:
    masters = {"dataset": f"{root}/a.h5", "proposal": f"{os.path.dirname(root)}/b.h5"}  # noqa: PTH120
    info = PathMaps.parse([], [str(root)]).apply_to_scan_info({"nexuswriter": {"masterfiles": masters}})
    assert info["nexuswriter"]["masterfiles"] == {"dataset": f"{root}/a.h5"}
