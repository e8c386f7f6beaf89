"""``nexus-writer tree``."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from .nexus_files import write_file
from .test_app import run


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_file(tmp_path_factory.mktemp("tree") / "file.h5")
    with h5py.File(path, "a") as file:
        file["1.1/link"] = h5py.SoftLink("/1.1/title")
        file["1.1/outside"] = h5py.ExternalLink("other.h5", "/1.1")
        file["1.1/number"] = 7
        file["1.1/texts"] = ["a", "b"]
        file["1.1/long"] = "x" * 61
        file["1.1/fits"] = "x" * 60
    return path


def lines(*arguments: str) -> list[str]:
    result = run("tree", *arguments)
    assert result.returncode == 0, result.stderr
    return [line.lstrip("│├└─ ").rstrip() for line in result.stdout.splitlines()]


def test_an_entry(path: Path) -> None:
    shown = lines(f"{path}::/1.1")
    assert shown[0] == "file.h5::/1.1 @default=plotselect"
    assert "title 'scan 1.1'" in shown
    assert "number int64 7" in shown
    assert "texts text (2,)" in shown
    assert f"long '{'x' * 59}…'" in shown
    assert f"fits '{'x' * 60}'" in shown
    assert "link -> /1.1/title" in shown
    assert "outside -> other.h5::/1.1" in shown
    assert "plotselect NXdata @signal=diode @axes=x" in shown
    assert "diode float64 (5,) uA" in shown


def test_entries_in_the_order_of_their_numbers_as_deep_as_wanted(path: Path) -> None:
    shown = lines(str(path), "--depth", "1")
    entries = [line.split()[0] for line in shown if line.split()[1:2] == ["NXentry"]]
    assert entries == [f"{number}.1" for number in range(1, 11)]
    assert "3 items" in shown
    assert len(lines(str(path), "--depth", "3")) > len(shown)


@pytest.mark.parametrize(
    ("target", "says"),
    [("nothing.h5", "there is no file"), ("{path}::/99", "has no /99"), ("/tmp", "/tmp is a directory")],
)
def test_a_mistake_is_one_line(path: Path, target: str, says: str) -> None:
    result = run("tree", target.format(path=path))
    assert result.returncode == 1
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
