"""Applications in files, as a program for data analysis finds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.layout import application_definitions
from nexus_writer.layout.applications import applications_of
from nexus_writer.model import Scan, Technique

from .plotted import TYPES, Played
from .scans import scan_info

DETECTORS = ("det0", "det1")
MCA = [
    f"simu:{what}_{det}" for det in DETECTORS for what in ("spectrum", "realtime", "energy_livetime", "roi1")
]
CHANNELS = ("axis:x", "p201:iodet", "p201:idet", *MCA)
XRF = {"class": "APPxrf", "I0": "iodet", "It": "idet", "mca": []}


@pytest.fixture(autouse=True)
def types(monkeypatch: pytest.MonkeyPatch) -> None:
    for detector in DETECTORS:
        monkeypatch.setitem(TYPES, f"simu:spectrum_{detector}", (np.uint32, (4,)))


def played(path: Path, asked_for: Mapping[str, Any], *, name: str = "xrf", **options: Any) -> Played:
    """A line of three points with two elements of an MCA and two counters."""
    info = scan_info(
        {"axis": {"axis": ["axis:x"], "simu": MCA, "p201": ["p201:iodet", "p201:idet"]}},
        dims={f"simu:spectrum_{detector}": 1 for detector in DETECTORS},
        counters={channel: {"device_type": "mca"} for channel in MCA},
    )
    info["nexuswriter"]["technique"] = {"name": name, "applications": asked_for, "plots": {}}
    scan = Played(info, path / "file.h5", **options)
    scan.add(*CHANNELS)
    points = [
        {
            channel: (np.full(4, p + i) if "spectrum" in channel else p + i)
            for i, channel in enumerate(CHANNELS)
        }
        for p in range(3)
    ]
    scan.feed(points)
    return scan


def links(group: h5py.Group) -> dict[str, str]:
    found = {name: group.get(name, getlink=True) for name in group}
    return {
        name: link.path.removeprefix("/1.1/instrument/")
        for name, link in found.items()
        if isinstance(link, h5py.SoftLink)
    }


def test_links_to_each_detector(tmp_path: Path) -> None:
    scan = played(tmp_path, {"xrf": XRF})
    scan.finish()
    with scan.reader() as file:
        group = file["1.1/xrf"]
        assert group.attrs["NX_class"] == "NXsubentry"
        assert group["definition"].asstr()[()] == "APPxrf"
        for name in ("start_time", "end_time"):
            assert group[name][()] == file["1.1"][name][()]
        assert links(group) == {
            "i0": "iodet/data",
            "it": "idet/data",
            "mca00": "simu_det0/spectrum",
            "mca01": "simu_det1/spectrum",
            "elapsed_time_mca00": "simu_det0/elapsed_time",
            "elapsed_time_mca01": "simu_det1/elapsed_time",
            "live_time_mca00": "simu_det0/live_time",
            "live_time_mca01": "simu_det1/live_time",
        }


@pytest.mark.parametrize(("item", "detector"), [("det1", "simu_det1"), (["simu:det0"], "simu_det0")])
def test_links_to_the_detector_that_the_session_names(tmp_path: Path, item: Any, detector: str) -> None:
    """Its name has no number then."""
    scan = played(tmp_path, {"xrf": {**XRF, "mca": item}})
    scan.finish()
    with scan.reader() as file:
        assert links(file["1.1/xrf"]) == {
            "i0": "iodet/data",
            "it": "idet/data",
            "mca": f"{detector}/spectrum",
            "elapsed_time": f"{detector}/elapsed_time",
            "live_time": f"{detector}/live_time",
        }


def test_detectors_in_the_order_of_the_session(tmp_path: Path) -> None:
    scan = played(tmp_path, {"xrf": {**XRF, "mca": ["det1", "det0", "det1"]}})
    scan.finish()
    with scan.reader() as file:
        found = links(file["1.1/xrf"])
        assert (found["mca00"], found["mca01"]) == ("simu_det1/spectrum", "simu_det0/spectrum")
        assert "mca02" not in found


def test_stacked(tmp_path: Path) -> None:
    scan = played(tmp_path, {"xrf": XRF}, stackmca=True)
    scan.finish()
    with scan.reader() as file:
        group = file["1.1/xrf"]
        assert links(group) == {"i0": "iodet/data", "it": "idet/data"}
        spectra = [file[f"1.1/instrument/simu_{detector}/spectrum"][()] for detector in DETECTORS]
        np.testing.assert_array_equal(group["mca"], spectra)
        assert group["mca"].dtype == np.uint32
        assert group["mca"].attrs["interpretation"] == "spectrum"
        assert group["elapsed_time"].shape == group["live_time"].shape == (2, 3)
        assert group["live_time"].attrs["units"] == "s"


def test_what_the_scan_does_not_have_is_left_out(tmp_path: Path) -> None:
    scan = played(tmp_path, {"xrf": {"class": "appxrf", "I0": "nothing", "mca": ["det7"]}})
    scan.finish()
    with scan.reader() as file:
        assert set(file["1.1/xrf"]) == {"definition", "start_time", "end_time"}


def test_none_without_configuration(tmp_path: Path) -> None:
    scan = played(tmp_path, {"xrf": XRF}, noconfig=True)
    scan.finish()
    with scan.reader() as file:
        assert "xrf" not in file["1.1"]


def test_one_that_nobody_has_defined_is_warned_of(tmp_path: Path) -> None:
    scan = played(tmp_path, {"mine": {"class": "APPmine"}})
    scan.file.finish(dict(scan.info), "", None)
    assert scan.file.warnings == [
        "application mine is left out: there is no definition of the class APPmine, declare it"
    ]


def test_a_name_that_is_taken_is_warned_of(tmp_path: Path) -> None:
    scan = played(tmp_path, {"measurement": XRF})
    assert scan.file.finish(dict(scan.info), "", None) is None
    (warning,) = scan.file.warnings
    assert "links of application measurement of 1.1 are incomplete" in warning


def test_a_definition_of_the_beamline(tmp_path: Path) -> None:
    """Every scan of a technique, and without a word of the session."""
    path = tmp_path / "mine.yaml"
    path.write_text(
        "applications: {fluo: {class: F, definition: NXfluo, techniques: [xrf],"
        " links: {monitor: {channel: 'p201:iodet'}, nothing: {channel: gone}}}}"
    )
    for name, applications in (("xrf", 1), ("xas", 0)):
        directory = tmp_path / name
        scan = played(directory, {}, name=name, applications=path)
        scan.finish()
        with scan.reader() as file:
            assert ("fluo" in file["1.1"]) == bool(applications)
            if applications:
                assert links(file["1.1/fluo"]) == {"monitor": "iodet/data"}


def test_names_of_applications() -> None:
    scan = Scan("key", "name", technique=Technique("xrf", {"a": {**XRF, "personal_name": "b"}, "xrf": {}}))
    definitions = application_definitions(None)
    found = applications_of(scan, definitions, pytest.fail)
    assert [application.name for application in found] == ["b", "xrf"]
