"""What a real scan info says of its scan, and what a damaged one does."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from nexus_writer.model import Scan

from .scan_infos import NAMES, scan_info, scan_key


class Unknown:
    """Something that a reader could not decode."""


def scan_of(name: str, **kwargs: Any) -> Scan:
    info = scan_info(name)
    return Scan.from_info(info, scan_key(info), **kwargs)


@pytest.mark.parametrize("name", NAMES)
def test_real_infos_have_no_problems(name: str) -> None:
    assert scan_of(name).problems == ()


def test_loopscan() -> None:
    scan = scan_of("loopscan")
    assert scan.name == "1_loopscan"
    assert scan.title == "my loopscan"
    assert scan.session == "demo_session"
    assert scan.number == 1
    assert scan.grid.shape == (10,)
    assert scan.npoints == 10
    assert scan.filename.endswith("/loopscan10_0001/loopscan10_0001.h5")
    assert scan.images_path.endswith("/scan0001/{img_acq_device}_")
    assert (scan.publisher, scan.publisher_version) == ("Bliss", "1.11.4")
    assert scan.data_policy == "ESRF"
    assert list(scan.masters) == ["dataset_collection", "proposal"]
    assert scan.instrument_info == {"name": "ESRF-id00", "name@short_name": "id00"}
    assert list(scan.categories) == ["instrument", "technique"]
    (subscan,) = scan.subscans
    assert (subscan.name, subscan.index) == ("timer", 1)
    assert [device.name for device in subscan.devices] == [
        "timer",
        "simulation_diode_integrating_controller",
        *["simulation_diode_sampling_controller"] * 3,
    ]
    assert [channel.name for channel in subscan.devices[0].channels] == ["timer:elapsed_time", "timer:epoch"]
    assert [channel.unit for channel in subscan.channels][:3] == ["s", "s", None]


def test_start_is_the_published_instant_in_local_time() -> None:
    scan = scan_of("loopscan")
    assert scan.start is not None
    assert scan.start.tzinfo is not None
    assert scan.start == datetime(2026, 11, 20, 6, 32, 36, 644794, tzinfo=UTC)
    assert scan.start_timestamp == pytest.approx(1795156356.6447937, abs=1e-6)


def test_start_without_timestamp_comes_from_the_datetime() -> None:
    info = scan_info("loopscan")
    del info["start_timestamp"]
    scan = Scan.from_info(info, "s:1_loopscan")
    assert scan.start == datetime(2026, 11, 20, 6, 32, 36, 644794).astimezone()
    info["start_time"] = "2026-11-20T06:32:36.644794+02:00"
    later = Scan.from_info(info, "s:1_loopscan")
    assert later.start is not None
    assert later.start.timestamp() == datetime.fromisoformat(info["start_time"]).timestamp()


def test_subscans_follow_the_acquisition_chain_not_the_alphabet() -> None:
    info = scan_info("two_masters")
    chain = info["acquisition_chain"]
    info["acquisition_chain"] = {name: chain[name] for name in ("timer2", "timer1")}
    assert [(s.index, s.name) for s in Scan.from_info(info, "s:1").subscans] == [(1, "timer2"), (2, "timer1")]


def test_ten_subscans_are_numbered_in_order() -> None:
    info = scan_info("loopscan")
    info["acquisition_chain"] = {f"m{i}": {"devices": []} for i in range(1, 12)}
    assert [s.name for s in Scan.from_info(info, "s:1").subscans] == [f"m{i}" for i in range(1, 12)]


def test_an_empty_chain_is_one_subscan() -> None:
    info = scan_info("loopscan")
    info["acquisition_chain"] = {}
    (subscan,) = Scan.from_info(info, "s:1").subscans
    assert (subscan.index, subscan.devices) == (1, ())


def test_a_channel_belongs_to_the_top_master_above_it() -> None:
    scan = scan_of("two_masters")
    first, second = scan.subscans
    assert scan.subscan_of(f"{scan.key}:timer1:ctl:diode1") is first
    assert scan.subscan_of(f"{scan.key}:timer2:ctl:diode2") is second
    assert scan.subscan_of("elsewhere:x") is first


@pytest.mark.parametrize(
    ("name", "positioners"),
    [
        ("loopscan", ["timer:elapsed_time", "timer:epoch"]),
        ("metadata_ascan", ["axis:robx"]),
        ("amesh", ["axis:robx", "axis:roby"]),
        ("sequence", ["scans", "scan_numbers"]),
        ("lima", None),
    ],
)
def test_the_first_triggering_device_gives_positioners(name: str, positioners: list[str] | None) -> None:
    device = scan_of(name).subscans[0].positioner_device
    names = None if device is None else [channel.name for channel in device.channels]
    assert names == positioners


def test_counters_of_the_session() -> None:
    scan = scan_of("units_modes_ascan")
    stats = scan.counter("simulation_diode_sampling_controller:diode_stats")
    assert (stats.device_type, stats.data_type) == ("samplingcounter", "signal")
    assert stats.device_info == {"type": "samplingcounter", "mode": "STATS"}
    assert scan.counter("simulation_diode_sampling_controller:diode_stats_N").data_type == ""
    assert scan.counter("mean_calc:mean12").device_type == ""
    assert scan.counter("no:such").device_type == ""


def test_grids() -> None:
    assert scan_of("amesh").grid.shape == (4, 5)
    assert scan_of("amesh").npoints == 20
    assert scan_of("aborted_timescan").grid.shape == (0,)
    assert scan_of("sequence").grid.shape == (0,)
    info = scan_info("amesh")
    info["npoints2"] = 0
    assert Scan.from_info(info, "s:1").grid.shape == (20,)


def test_positions_and_units() -> None:
    positioners = scan_of("metadata_ascan").positioners
    assert positioners.start == {"robx": 1.0, "roby": 2.0, "robz": 6.0, "roty": 0.0, "nounitm": 7.5}
    assert positioners.end == positioners.dial_start == positioners.dial_end == positioners.start
    assert positioners.units == {"robx": "mm", "roby": "mm", "robz": "mm", "roty": "deg"}


def test_comments() -> None:
    first, second = scan_of("metadata_ascan").comments
    assert first.text == "comment before start"
    assert second.text == "comment while running: π"
    assert first.time is not None
    assert first.time.timestamp() == pytest.approx(1795156480.691455, abs=1e-6)


def test_separate_files() -> None:
    scan = scan_of("separate_loopscan")
    assert scan.storage.separate_scan_files is True
    assert list(scan.masters) == ["dataset", "dataset_collection", "proposal"]
    assert scan_of("loopscan").storage.separate_scan_files is False


def test_only_what_was_set_is_wished_of_chunks() -> None:
    info = scan_info("loopscan")
    info["writer_options"] = {"chunk_options": {"chunk_nbytes": 10485, "compression_scheme": "gzip"}}
    storage = Scan.from_info(info, "s:1").storage
    assert (storage.chunk_nbytes, storage.chunk_split) == (10485, None)
    assert (storage.compression_limit_nbytes, storage.compression_scheme) == (None, "gzip")


@pytest.mark.parametrize(
    ("save", "data_writer", "wanted"),
    [
        (True, "nexus", True),
        (False, "nexus", False),
        (True, "hdf5", False),
        (True, "null", False),
        (None, "nexus", False),
        (True, None, False),
    ],
)
def test_which_scans_are_saved(save: object, data_writer: object, wanted: bool) -> None:
    info = scan_info("loopscan") | {"save": save, "data_writer": data_writer}
    assert Scan.from_info(info, "s:1").wants_saving() is wanted


def test_other_writers_by_name() -> None:
    assert scan_of("loopscan").wants_saving({"mine"}) is False
    assert scan_of("loopscan").wants_saving({"mine", "nexus"}) is True


def test_title_falls_back_on_the_name() -> None:
    info = scan_info("loopscan")
    info["title"] = None
    scan = Scan.from_info(info, "s:ds:7_loopscan")
    assert scan.title == "7_loopscan"
    assert scan.problems == ("title is missing",)


def test_number_falls_back_on_the_name() -> None:
    info = scan_info("loopscan")
    del info["scan_nb"]
    assert Scan.from_info(info, "s:ds:17_loopscan").number == 17
    assert Scan.from_info(info, "s:ds:_17_loopscan").number == 17
    assert Scan.from_info(info, "s:ds:odd").number == 1


def test_without_config_only_the_core_is_left() -> None:
    scan = scan_of("separate_loopscan").without_config()
    assert scan.counters == {}
    assert scan.instrument_info == {}
    assert list(scan.masters) == ["dataset"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["acquisition_chain", "devices", "channels", "nexuswriter"])
def test_updated_reads_again_what_changed(name: str, field: str) -> None:
    """All that hardly changes, or one field of it, are the objects that were read before."""
    info = scan_info(name)
    scan = Scan.from_info(info, scan_key(info))
    assert scan.updated(dict(info)) == scan
    for changed in ({**info, field: {}}, {key: value for key, value in info.items() if key != field}):
        later = scan.updated(changed)
        assert later == Scan.from_info(changed, scan_key(info))
        assert later.updated(dict(changed)) == later
        assert later != scan


def test_updated_keeps_the_dataset() -> None:
    scan = scan_of("loopscan", parents=[{"Sample_name": "x"}])
    assert scan.updated({}).dataset_metadata == {"Sample_name": "x"}


def test_an_empty_info_is_a_scan_with_problems() -> None:
    scan = Scan.from_info({}, "session:ds:3_scan")
    assert (scan.name, scan.number, scan.title, scan.session) == ("3_scan", 3, "3_scan", "session")
    assert scan.wants_saving() is False
    assert scan.filename == ""
    assert "filename is missing" in scan.problems


@pytest.mark.parametrize("field", sorted({field for name in NAMES for field in scan_info(name)}))
def test_no_field_can_break_a_scan(field: str) -> None:
    """Whatever a field holds, the others are understood."""
    for rubbish in (
        Unknown(),
        "text",
        b"\xff\0",
        3,
        -1.5,
        float("nan"),
        1e300,
        [],
        {},
        [1, None],
        {1: 2},
        True,
    ):
        info = scan_info("loopscan")
        key = scan_key(info)
        info[field] = rubbish
        scan = Scan.from_info(info, key)
        if field != "title":
            assert scan.title == "my loopscan"
        if field not in ("acquisition_chain", "devices"):
            assert len(scan.subscans[0].devices) == 5


def test_rubbish_anywhere_inside_is_survived_and_told() -> None:
    """Replaces a random inner value, a thousand times."""
    rng = random.Random(1)
    told = 0
    for _ in range(1000):
        info = scan_info("loopscan")
        holder: Any = info
        key: Any = None
        while True:
            keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            key = rng.choice(keys)
            inner = holder[key]
            if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.2:
                break
            holder = inner
        holder[key] = rng.choice([Unknown(), None, float("inf"), "x", 5, {3: 4}, [Unknown()]])
        told += bool(Scan.from_info(info, "s:1_loopscan").problems)
    assert told > 100
