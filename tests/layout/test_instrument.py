"""Groups of devices: what is in them, and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.layout.names import normalise
from nexus_writer.model import Scan

from .scans import SIGNAL, channel, points, scan_info

MEAN = {"type": "samplingcounter", "mode": "MEAN"}
NAMES = ["ctl:a", "ctl:b", "ctl:c", "ctl:d"]
LIMA = {"device_type": "lima"}
MASTERS = {"timer": {"timer": ["timer:t"], "ctl": NAMES}}


def started(path: Path, files: OpenFiles, infos: dict[str, Any]) -> tuple[Scan, ScanFile, dict[str, Any]]:
    """A scan whose counters have this device info."""
    counters = {name: {**SIGNAL, "device_info": info} for name, info in infos.items()}
    info = scan_info(MASTERS, filename=str(path), counters=counters)
    scan = Scan.from_info(info, "session:ds:1_scan")
    scan_file = ScanFile(scan, files, LayoutOptions())
    scan_file.create()
    return scan, scan_file, info


def contents(group: Any) -> dict[str, Any]:
    """Values of a group's own datasets, text as text."""
    names = [n for n in group if n not in ("signal", "data") and isinstance(group[n], h5py.Dataset)]
    values = {name: group[name][()] for name in names}
    return {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}


@pytest.mark.parametrize(
    "info",
    [
        MEAN,
        {},
        {"type": "x", "gain": 2},
        {"type": "x", "gain@units": "V", "gain": 2},
        {"with space": "x"},
        {"a/b": "x"},
        {"signal": "mine", "data": "mine", "type": "x"},
        {"empty": ""},
    ],
)
def test_devices_that_are_alike_and_those_that_are_not(
    tmp_path: Path, files: OpenFiles, info: dict[str, Any]
) -> None:
    """Four with the same info, of which HDF5 copies some, have the same as one alone."""
    scan, scan_file, _ = started(tmp_path / "a.h5", files, dict.fromkeys(NAMES, info))
    for number, name in enumerate(NAMES):
        description = channel(scan, name)
        scan_file.add_channel(description)
        scan_file.append(points(description, float(number)))
    scan_file.finish({}, "", None)
    with h5py.File(tmp_path / "a.h5") as file:
        instrument = file["1.1/instrument"]
        first = instrument["a"]
        for number, name in enumerate("abcd"):
            group = instrument[name]
            assert dict(group.attrs) == {"NX_class": "NXdetector"}
            assert group["signal"][()].tolist() == [number]
            assert group.get("data", getlink=True).path == "signal"
            assert set(group) == set(first)
            plain = {k: v for k, v in info.items() if "@" not in k and "/" not in k}
            wanted = {normalise(k): v for k, v in plain.items() if k not in ("signal", "data")}
            assert {k: v for k, v in contents(group).items() if k in wanted} == wanted
            if "a/b" in info:
                assert group["a/b"][()] == b"x"
            if "gain@units" in info:
                assert group["gain"].attrs["units"] == "V"


def test_a_device_that_says_more_with_a_later_channel(tmp_path: Path, files: OpenFiles) -> None:
    infos = {"ctl:a": MEAN, "ctl:b": {**MEAN, "more": 1}}
    scan, scan_file, _ = started(tmp_path / "a.h5", files, infos)
    for name in ("ctl:a", "ctl:b"):
        scan_file.add_channel(channel(scan, name))
    scan_file.finish({}, "", None)
    with h5py.File(tmp_path / "a.h5") as file:
        assert contents(file["1.1/instrument/a"]) == MEAN
        assert contents(file["1.1/instrument/b"]) == {**MEAN, "more": 1}


@pytest.mark.parametrize("number", [1, 4])
def test_a_group_that_metadata_made_before_its_channel_came(
    tmp_path: Path, files: OpenFiles, number: int
) -> None:
    """The channel's class and device info go into it; what is there stays."""
    scan, scan_file, info = started(tmp_path / "a.h5", files, dict.fromkeys(NAMES, MEAN))
    for name in NAMES[: number - 1]:
        scan_file.add_channel(channel(scan, name))
    late = NAMES[number - 1].removeprefix("ctl:")
    category = {late: {"@NX_class": "NXcollection", "offset": 3}}
    scan_file.prepare({**info, "scan_meta_categories": ["instrument"], "instrument": category})
    scan_file.add_channel(channel(scan, f"ctl:{late}"))
    scan_file.finish({}, "", None)
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["1.1/instrument"][late]
        assert group.attrs["NX_class"] == "NXdetector"
        assert contents(group) == {**MEAN, "offset": 3}


def test_metadata_of_devices_that_share_a_group(tmp_path: Path, files: OpenFiles) -> None:
    masters = {
        "timer": {
            "timer": ["timer:t"],
            "cam": ["cam:image"],
            "other": ["cam:acq_time"],
            "roi_counters": ["cam:roi_counters:r_sum", "cam:roi_counters:r_min"],
        }
    }
    names = [name for channels in masters["timer"].values() for name in channels][1:]
    info = scan_info(masters, filename=str(tmp_path / "a.h5"), counters=dict.fromkeys(names, LIMA))
    metadata = {
        "timer.cam:cam": {"acq_parameters": {"mode": "x"}},
        "timer.other:other": {"extra": 1},
        "timer.roi_counters:roi_counters": {"r": {"x": 1}, "s": {"x": 2}},
    }
    for id, tree in metadata.items():
        info["devices"][id]["metadata"] = tree
    scan = Scan.from_info(info, "session:ds:1_scan")
    scan_file = ScanFile(scan, files, LayoutOptions())
    scan_file.create()
    for name in names:
        scan_file.add_channel(channel(scan, name))
    scan_file.prepare(info)
    scan_file.finish(info, "", None)
    with h5py.File(tmp_path / "a.h5") as file:
        instrument = file["1.1/instrument"]
        assert instrument["cam/acq_parameters/mode"][()] == b"x"
        assert instrument["cam/extra"][()] == 1
        assert set(instrument["cam_r"]) == {"selection"}
        assert instrument["cam_r/selection/x"][()] == 1
