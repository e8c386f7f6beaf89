"""Channels whose later points are of another type or rank than the first ones."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.model import ChannelDescription
from nexus_writer.model.limits import MOST_PARTS

from .scans import channel, points, scan_of

NAME = "ctl:counts"
REST = "ctl:counts:from_2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scan.h5"


def started(path: Path, files: OpenFiles) -> tuple[ScanFile, ChannelDescription]:
    scan = scan_of({"timer": {"timer": [], "ctl": [NAME]}}, filename=str(path))
    scan_file = ScanFile(scan, files, LayoutOptions())
    scan_file.create()
    description = channel(scan, NAME, int, unit="cts")
    scan_file.add_channel(description)
    return scan_file, description


def saved(path: Path) -> dict[str, list[object]]:
    """The values of each channel."""
    with h5py.File(path, locking=False) as file:
        members = file["1.1/measurement"].values()
        return {item.attrs["fullname"]: item[()].tolist() for item in members}


@pytest.mark.parametrize("at_once", [True, False])
def test_they_go_on_as_another_channel(path: Path, files: OpenFiles, at_once: bool) -> None:
    scan_file, counts = started(path, files)
    parts = [points(counts, 1, 2), points(counts, 3.5, start=2), points(counts, 4, 5, start=3)]
    if at_once:
        parts = [{counts.key: [block for part in parts for block in part[counts.key]]}]
    for part in parts:
        scan_file.append(part)
        scan_file.commit()
    scan_file.append(points(counts, 3.5, 4, start=2))
    assert scan_file.points[counts.key] == 5
    assert scan_file.finish({"npoints": 5}, "", None) is None
    assert saved(path) == {NAME: [1, 2], REST: [3.5, 4, 5]}
    with h5py.File(path) as file:
        group = file["1.1/instrument/ctl_counts_from_2"]
        assert group.attrs["NX_class"] == "NXdetector"
        assert dict(group["data"].attrs) == {"fullname": REST, "units": "cts"}
        table = file["1.1/writer/points"]
        assert table["channel"].asstr()[()].tolist() == [NAME, REST]
        assert table["received"][()].tolist() == [2, 3]
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert warning.startswith(f"{NAME} goes on as {REST}: ")


def test_as_often_as_it_takes(path: Path, files: OpenFiles) -> None:
    scan_file, counts = started(path, files)
    scan_file.append(points(counts, 1, 2))
    scan_file.append(points(counts, 3.5, start=2))
    scan_file.append(points(counts, [[4, 5]], start=3))
    scan_file.append(points(counts, [6, 7], start=4))
    assert scan_file.finish({}, "", None) is None
    assert saved(path) == {NAME: [1, 2], REST: [3.5], f"{REST}:from_1": [[[4, 5]], [[6, 7]]]}


def test_a_channel_whose_points_change_with_each_one_is_given_up(path: Path, files: OpenFiles) -> None:
    """Each change costs a dataset: without an end, all scans of the writer would wait for this one."""
    scan_file, counts = started(path, files)
    for start in range(0, 4 * MOST_PARTS, 2):
        scan_file.append(points(counts, 1, start=start))
        scan_file.append(points(counts, [1, 2], start=start + 1))
        scan_file.append(points(counts, "a", start=start + 2))
    why = scan_file.finish({}, "", None)
    assert why is not None
    assert why.startswith(NAME)
    assert "is not saved from point" in why
    assert len(saved(path)) == MOST_PARTS


def test_a_writer_that_is_stopped_goes_on_with_all_of_it(path: Path, files: OpenFiles) -> None:
    """Redis has nothing of what the first one wrote."""
    scan_file, counts = started(path, files)
    scan_file.append(points(counts, 1, 2))
    scan_file.append(points(counts, 3.5, start=2))
    scan_file.commit()
    scan_file.finish(None, "", "the writer was stopped", may_go_on=True)
    scan_file, counts = started(path, files)
    assert scan_file.resumed
    scan_file.append(points(counts, 4.5, start=3))
    assert scan_file.finish({}, "", None) is None
    assert saved(path) == {NAME: [1, 2], REST: [3.5, 4.5]}
