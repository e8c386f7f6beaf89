"""Scans with every kind of detector, published as BLISS does and saved by the whole writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    axis,
    integrating,
    mca,
    sampling,
    timer,
)
from nexus_writer.subscribers import SubscriberState
from tests.integration.published import save_scan

SESSION = "kinds"
NPOINTS = 3

Save = Callable[..., h5py.File]


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    metadata = {"Sample_name": "quartz"}
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample", metadata=metadata)


@pytest.fixture
def save(redis_url: str, dataset: DatasetPublisher) -> Iterator[Save]:
    """Publish a scan of three points whose values are their numbers; its file when it is complete."""
    opened: list[h5py.File] = []

    def publish(scan: ScanPublisher) -> None:
        for point in range(NPOINTS):
            for channel in scan.channels.values():
                value = np.full([max(n, 1) for n in channel.spec.shape], point)
                channel.publish(value.astype(np.dtype(channel.spec.dtype)))

    def save(*chain: DeviceSpec, options: dict[str, Any] | None = None, **fields: Any) -> h5py.File:
        spec = ScanSpec("loopscan", chain, npoints=NPOINTS, **fields)
        scan = save_scan(redis_url, dataset, spec, publish, **(options or {}))
        assert scan.state is SubscriberState.OFF, scan.reason
        opened.append(h5py.File(scan.filename))
        return opened[-1]

    yield save
    for file in opened:
        file.close()


def lima(name: str, dtype: Any = np.int64, **channel: Any) -> ChannelSpec:
    return ChannelSpec(
        name, dtype, counter={"device_info": {"type": "lima"}, "device_type": "lima"}, **channel
    )


def typed(device_type: str, name: str, **channel: Any) -> ChannelSpec:
    return ChannelSpec(name, counter={"device_type": device_type}, **channel)


def part(name: str, mode: str, **channel: Any) -> ChannelSpec:
    """What a mode adds to a sampling counter."""
    device = {"device_info": {"type": "samplingcounter", "mode": mode}, "device_type": "samplingcounter"}
    return ChannelSpec(name, counter=device, **channel)


STATISTICS = {
    "icr": ("trigger_count_rate", "hertz"),
    "ocr": ("event_count_rate", "hertz"),
    "deadtime": ("fractional_dead_time", None),
    "triggers": ("triggers", None),
    "events": ("events", None),
    "trigger_livetime": ("trigger_live_time", "s"),
    "energy_livetime": ("live_time", "s"),
    "realtime": ("elapsed_time", "s"),
}

COUNTERS = DeviceSpec(
    "ctl",
    (
        *(sampling(mode.lower(), "V", mode=mode) for mode in ("MEAN", "LAST", "SINGLE", "INTEGRATE")),
        *(sampling(mode.lower(), "V", mode=mode) for mode in ("INTEGRATE_STATS",)),
        sampling("di_ode", "A", mode="STATS"),
        *(part(f"di_ode_{name}", "STATS") for name in ("N", "std", "var", "min", "max", "p2v")),
        sampling("pd", "A", mode="SAMPLES"),
        part("pd_samples", "SAMPLES", shape=(4,)),
        integrating("integ", "cts"),
    ),
)
CALCULATED = DeviceSpec("mean_calc", (ChannelSpec("mean12"), typed("mystery", "odd")))
ANALYSER = DeviceSpec(
    "fx",
    (
        *(
            mca(f"{quantity}_det{element}", float if quantity != "spectrum" else np.uint32, shape=shape)
            for element in range(3)
            for quantity, shape in [
                ("Fe_Ka", ()),
                ("spectrum", (16,)),
                *((statistic, ()) for statistic in STATISTICS),
            ]
        ),
        mca("Fe_Ka"),
        mca("roi1"),
    ),
    metadata={"type": "mca", "gain": 2.5, "gain@units": "eV"},
)
STRIPS = DeviceSpec("mythen1", (typed("mythen", "spectrum", shape=(8,)), typed("mythen", "roi1")))
CAMERA = DeviceSpec(
    "cam",
    (lima("image", np.uint16, shape=(2, 3)), lima("acq_time")),
    metadata={"type": "lima", "acq_parameters": {"acq_mode": "SINGLE"}},
)
REGIONS = DeviceSpec(
    "cam:roi_counters",
    tuple(lima(f"{roi}_{name}") for roi in ("r1", "my_roi") for name in ("sum", "avg", "std", "min", "max")),
    metadata={"r1": {"kind": "rect", "x": 1}, "my_roi": {"kind": "arc", "r1": 5}, "other": {"kind": "no"}},
)
PROFILES = DeviceSpec("cam:roi_profiles", (lima("p1", shape=(5,)),), metadata={"p1": {"kind": "profile"}})
COLLECTION = DeviceSpec("cam:roi_collection", (lima("rois", shape=(7,)),))
MONITOR = DeviceSpec("cam:bpm", tuple(lima(name) for name in ("x", "y", "fwhm_x", "intensity")))
FILTER = DeviceSpec("filt", tuple(typed("autofilter", name) for name in ("curratt", "transm", "ratio")))
EVERYTHING = (
    COUNTERS,
    CALCULATED,
    ANALYSER,
    STRIPS,
    CAMERA,
    REGIONS,
    PROFILES,
    COLLECTION,
    MONITOR,
    FILTER,
)


def detector(file: h5py.File, group: str) -> dict[str, Any]:
    """Type of the link, or full name, of each member of a detector that comes from a channel."""
    found = {}
    for name, item in file["1.1/instrument"][group].items():
        link = file["1.1/instrument"][group].get(name, getlink=True)
        if isinstance(link, h5py.SoftLink):
            found[name] = f"-> {link.path}"
        elif isinstance(item, h5py.Dataset) and "fullname" in item.attrs:
            found[name] = item.attrs["fullname"]
    return found


def links(file: h5py.File) -> dict[str, str]:
    measurement = file["1.1/measurement"]
    return {name: measurement.get(name, getlink=True).path for name in measurement}


def text(item: Any) -> str:
    return str(item.asstr()[()])


def test_every_kind_of_detector(save: Save) -> None:
    file = save(timer(*EVERYTHING))
    entry = file["1.1"]
    assert text(entry["writer/status"]) == "SUCCEEDED"
    assert "warnings" not in entry["writer"]

    assert detector(file, "mean") == {"signal": "ctl:mean", "data": "-> signal"}
    assert {text(entry[f"instrument/{name}/mode"]) for name in ("mean", "last", "di_ode")} == {
        "MEAN",
        "LAST",
        "STATS",
    }
    statistics = {name: f"ctl:di_ode_{name}" for name in ("N", "std", "var", "min", "max", "p2v")}
    assert detector(file, "di_ode") == {"signal": "ctl:di_ode", "data": "-> signal", **statistics}
    assert detector(file, "pd") == {"signal": "ctl:pd", "data": "-> signal", "samples": "ctl:pd_samples"}
    assert entry["instrument/pd/samples"].attrs["interpretation"] == "spectrum"
    for group, channel in {
        "integ": "ctl:integ",
        "mean12": "mean_calc:mean12",
        "odd": "mean_calc:odd",
    }.items():
        assert detector(file, group) == {"data": channel}
    assert entry["instrument/integ/data"].attrs["units"] == "cts"

    for element in range(3):
        group = f"fx_det{element}"
        assert detector(file, group) == {
            "spectrum": f"fx:spectrum_det{element}",
            "data": "-> spectrum",
            "Fe_Ka": f"fx:Fe_Ka_det{element}",
            **{name: f"fx:{raw}_det{element}" for raw, (name, _) in STATISTICS.items()},
        }
        for name, unit in STATISTICS.values():
            assert entry["instrument"][group][name].attrs.get("units") == unit
        assert text(entry["instrument"][group]["type"]) == "mca"
        assert entry["instrument"][group]["gain"][()] == 2.5
        assert entry["instrument"][group]["gain"].attrs["units"] == "eV"
    assert detector(file, "fx_sum") == {"Fe_Ka": "fx:Fe_Ka", "roi1": "fx:roi1"}

    assert detector(file, "mythen1") == {
        "spectrum": "mythen1:spectrum",
        "data": "-> spectrum",
        "roi1": "mythen1:roi1",
    }
    assert detector(file, "filt") == {name: f"filt:{name}" for name in ("curratt", "transm", "ratio")}


def test_what_a_camera_publishes(save: Save) -> None:
    file = save(timer(*EVERYTHING))
    instrument = file["1.1/instrument"]
    assert detector(file, "cam") == {
        "image": "cam:image",
        "data": "-> image",
        "acq_time": "cam:acq_time",
    }
    assert text(instrument["cam/acq_parameters/acq_mode"]) == "SINGLE"
    for roi, selection in {"r1": {"kind": "rect", "x": 1}, "my_roi": {"kind": "arc", "r1": 5}}.items():
        group = f"cam_{roi}"
        names = {name: f"cam:roi_counters:{roi}_{name}" for name in ("sum", "avg", "std", "min", "max")}
        assert detector(file, group) == {**names, "data": "-> sum"}
        found = instrument[group]["selection"]
        assert found.attrs["NX_class"] == "NXcollection"
        assert {name: found[name][()] for name in found} == {
            name: value.encode() if isinstance(value, str) else value for name, value in selection.items()
        }
        assert set(instrument[group]) == {*names, "data", "selection", "type"}
    assert detector(file, "cam_p1") == {"sum": "cam:roi_profiles:p1", "data": "-> sum"}
    assert text(instrument["cam_p1/selection/kind"]) == "profile"
    assert detector(file, "cam_roi_collection") == {"sum": "cam:roi_collection:rois", "data": "-> sum"}
    assert detector(file, "cam_bpm") == {
        name: f"cam:bpm:{name}" for name in ("x", "y", "fwhm_x", "intensity")
    }
    found = links(file)
    assert found["cam"] == "/1.1/instrument/cam/image"
    assert found["cam_r1"] == "/1.1/instrument/cam_r1/sum"
    assert found["cam_my_roi_avg"] == "/1.1/instrument/cam_my_roi/avg"
    assert found["cam_p1"] == "/1.1/instrument/cam_p1/sum"
    assert found["cam_bpm_fwhm_x"] == "/1.1/instrument/cam_bpm/fwhm_x"
    assert found["cam_roi_collection"] == "/1.1/instrument/cam_roi_collection/sum"


def test_every_channel_is_saved_and_linked_once(save: Save) -> None:
    """The mapping from channels to datasets can be undone, and loses none."""
    chain = timer(*EVERYTHING)
    file = save(chain)
    expected = {
        f"{device.name}:{channel.name}" for device in (chain, *chain.triggers) for channel in device.channels
    }
    found = {file[path].attrs["fullname"]: file[path] for path in links(file).values()}
    assert set(found) == expected
    assert len(links(file)) == len(expected)
    for item in found.values():
        assert len(item) == NPOINTS
        assert [point.flat[0] for point in item[()].reshape(NPOINTS, -1)] == [0, 1, 2]


def test_noconfig_knows_channels_only(save: Save) -> None:
    file = save(timer(*EVERYTHING), options={"noconfig": True})
    instrument = file["1.1/instrument"]
    assert "name" not in instrument
    assert text(file["1.1/sample/name"]) == "quartz"
    for group, channel in {
        "spectrum_det0": "fx:spectrum_det0",
        "icr_det1": "fx:icr_det1",
        "roi1": None,
        "mean": "ctl:mean",
        "di_ode_N": "ctl:di_ode_N",
        "pd_samples": "ctl:pd_samples",
        "image": "cam:image",
        "r1_sum": "cam:roi_counters:r1_sum",
        "transm": "filt:transm",
    }.items():
        if channel is not None:
            assert detector(file, group) == {"data": channel}
            assert links(file)[group] == f"/1.1/instrument/{group}/data"
        else:
            assert group not in instrument
    assert detector(file, "fx_roi1") == {"data": "fx:roi1"}
    assert detector(file, "mythen1_roi1") == {"data": "mythen1:roi1"}
    assert text(instrument["icr_det1/type"]) == "mca"
    assert "units" not in instrument["icr_det1/data"].attrs
    assert "mode" not in instrument["mean"]
    assert detector(file, "elapsed_time") == {"value": "timer:elapsed_time"}
    collection = file.filename.replace("/sample_0001/sample_0001.h5", "/hg123_sample.h5")
    assert collection != file.filename
    assert not Path(collection).exists()


MOTORS = tuple(ChannelSpec(name, unit="mm") for name in ("samx", "samy"))


def test_positioners_on_their_own(save: Save) -> None:
    file = save(axis(MOTORS, timer(COUNTERS)))
    for motor in ("samx", "samy"):
        assert detector(file, motor) == {"value": f"axis:{motor}"}
        assert file[f"1.1/instrument/{motor}"].attrs["NX_class"] == "NXpositioner"
        target = f"/1.1/instrument/{motor}/value"
        assert links(file)[motor] == target
        assert file["1.1/instrument/positioners"].get(motor, getlink=True).path == target
    assert detector(file, "elapsed_time") == {"data": "timer:elapsed_time"}


def test_positioners_of_one_device_together(save: Save) -> None:
    file = save(axis(MOTORS, timer(COUNTERS)), options={"multivalue_positioners": True})
    assert detector(file, "axis") == {"value": "axis:samx", "samy": "axis:samy"}
    for name, dataset in {"axis": "value", "axis_samy": "samy"}.items():
        target = f"/1.1/instrument/axis/{dataset}"
        assert links(file)[name] == target
        assert file["1.1/instrument/positioners"].get(name, getlink=True).path == target


def test_a_mesh_keeps_its_positioners_apart(save: Save) -> None:
    fields = {"data_dim": 2, "npoints1": 3, "npoints2": 1}
    file = save(axis(MOTORS, timer(COUNTERS)), options={"multivalue_positioners": True}, fields=fields)
    assert detector(file, "samx") == {"value": "axis:samx"}
    assert detector(file, "samy") == {"value": "axis:samy"}


def test_the_users_words_on_devices(save: Save) -> None:
    """Merged into the detector or the positioner of that name; a group of its own where there is none."""
    category = {
        "@NX_class": "NXinstrument",
        "mean": {"@NX_class": "NXwhatever", "gain": 3, "gain@units": "dB", "@local_name": "diode"},
        "samx": {"offset": 1.5},
        "filters": {"@NX_class": "NXattenuator", "thickness": 0.5, "thickness@units": "mm"},
        "note": "plain",
    }
    file = save(axis(MOTORS, timer(COUNTERS)), categories={"instrument": category})
    instrument = file["1.1/instrument"]
    assert dict(instrument["mean"].attrs) == {"NX_class": "NXdetector", "local_name": "diode"}
    assert (instrument["mean/gain"][()], instrument["mean/gain"].attrs["units"]) == (3, "dB")
    assert instrument["samx"].attrs["NX_class"] == "NXpositioner"
    assert instrument["samx/offset"][()] == 1.5
    assert not any(name.startswith("positionerssam") for name in instrument)
    assert instrument["filters"].attrs["NX_class"] == "NXattenuator"
    assert text(instrument["note"]) == "plain"


def test_masters_of_their_own_have_entries_with_short_names_of_their_own(save: Save) -> None:
    one = timer(DeviceSpec("a", (sampling("d", "V"),)), name="timer1")
    two = timer(DeviceSpec("b", (sampling("d"), ChannelSpec("e"))), name="timer2")
    file = save(one, two)
    assert {entry: sorted(file[entry]["measurement"]) for entry in ("1.1", "1.2")} == {
        "1.1": ["d", "elapsed_time", "epoch"],
        "1.2": ["d", "e", "elapsed_time", "epoch"],
    }
    assert file["1.1/measurement/d"].attrs["fullname"] == "a:d"
    assert file["1.2/measurement/d"].attrs["fullname"] == "b:d"


def test_names_that_become_equal_are_both_saved(save: Save) -> None:
    device = DeviceSpec("c", (ChannelSpec("di-ode", unit="V"), ChannelSpec("di_ode", unit="A")))
    file = save(timer(device))
    found = {name: file[path].attrs["fullname"] for name, path in links(file).items()}
    assert found == {
        "elapsed_time": "timer:elapsed_time",
        "epoch": "timer:epoch",
        "di_ode": "c:di-ode",
        "di_ode_2": "c:di_ode",
    }


@pytest.mark.parametrize("options", [{}, {"noconfig": True}, {"multivalue_positioners": True}])
def test_files_with_every_kind_of_detector_are_valid_nexus(save: Save, options: dict[str, Any]) -> None:
    pytest.importorskip("nexusformat")
    from nexus_writer.subscribers.nexus_rules import validate_entry

    comments = [{"timestamp": 1_800_000_000.0, "message": "a comment"}]
    file = save(axis(MOTORS, timer(*EVERYTHING)), options=options, fields={"comments": comments})
    assert text(file["1.1/notes/note_01/data"]) == "a comment"
    path = Path(file.filename)
    file.close()
    findings = validate_entry(path, "1.1")
    assert (findings.errors, findings.not_validated) == ((), "")
