"""Where each kind of channel goes."""

from __future__ import annotations

import pytest

from nexus_writer.layout import LayoutOptions, Places
from nexus_writer.layout.place import DETECTOR, POSITIONER

from .scans import SAMPLING, SIGNAL, scan_of

FLAT = LayoutOptions()
MULTIVALUE = LayoutOptions(multivalue_positioners=True)
MESH = {"data_dim": 2, "npoints1": 2, "npoints2": 3, "npoints": 6}


def places_of(
    devices: dict[str, list[str]],
    *,
    options: LayoutOptions = FLAT,
    **fields: object,
) -> Places:
    scan = scan_of({"master": devices}, **fields)
    return Places(scan, scan.subscans[0], options)


@pytest.mark.parametrize(
    ("channel", "counters", "group", "dataset", "link", "principal", "alias"),
    [
        ("ctl:diode", {}, "diode", "data", "diode", True, False),
        ("ctl:diode", {"device_type": "mystery"}, "diode", "data", "diode", True, False),
        ("ctl:diode", SIGNAL, "diode", "signal", "diode", True, True),
        ("ctl:diode_N", SAMPLING, "diode", "N", "diode_N", False, False),
        ("ctl:di_ode_samples", SAMPLING, "di_ode", "samples", "di_ode_samples", False, False),
        ("ctl:di-ode_std", SAMPLING, "di_ode", "std", "di_ode_std", False, False),
        ("ctl:diode", SAMPLING, "diode", "data", "diode", True, False),
        ("ctl:_N", SAMPLING, "_N", "data", "_N", True, False),
        ("ctl:N_", SAMPLING, "N_", "data", "N_", True, False),
    ],
)
def test_detectors(
    channel: str, counters: dict[str, str], group: str, dataset: str, link: str, principal: bool, alias: bool
) -> None:
    place = places_of({"timer": ["timer:t"], "ctl": [channel]}, counters={channel: counters})[channel]
    assert (place.group, place.dataset, place.link) == (group, dataset, link)
    assert (place.nx_class, place.principal, place.alias) == (DETECTOR, principal, alias)
    assert place.channel == channel


@pytest.mark.parametrize(
    ("options", "fields", "expected"),
    [
        (FLAT, {}, [("x", "value", "x", True, 0), ("y", "value", "y", False, None)]),
        (MULTIVALUE, {}, [("axis", "value", "axis", True, 0), ("axis", "y", "axis_y", False, None)]),
        (FLAT, MESH, [("x", "value", "x", True, 0), ("y", "value", "y", True, 1)]),
        (MULTIVALUE, MESH, [("x", "value", "x", True, 0), ("y", "value", "y", True, 1)]),
    ],
)
def test_positioners_of_a_master_with_two_channels(
    options: LayoutOptions, fields: dict[str, int], expected: list[tuple[object, ...]]
) -> None:
    places = places_of({"axis": ["axis:x", "axis:y"], "ctl": ["ctl:d"]}, options=options, **fields)
    found = [places["axis:x"], places["axis:y"]]
    assert [(p.group, p.dataset, p.link, p.principal, p.axis) for p in found] == expected
    assert all(p.nx_class == POSITIONER and not p.alias for p in found)


@pytest.mark.parametrize("options", [FLAT, MULTIVALUE])
def test_a_single_positioner_is_plain(options: LayoutOptions) -> None:
    place = places_of({"axis": ["axis:x"], "ctl": ["ctl:d"]}, options=options)["axis:x"]
    assert (place.group, place.dataset, place.link, place.axis) == ("x", "value", "x", 0)


@pytest.mark.parametrize("options", [FLAT, MULTIVALUE])
def test_positioners_without_a_device_in_their_name_are_plain(options: LayoutOptions) -> None:
    places = places_of({"group": ["scans", "scan_numbers"], "custom": ["mine"]}, options=options)
    place = places["scan_numbers"]
    assert (place.group, place.dataset, place.principal, place.axis) == ("scan_numbers", "value", True, 1)
    assert places["mine"].nx_class == DETECTOR


def test_a_master_that_triggers_nothing_has_no_positioners() -> None:
    places = places_of({"group": ["scans", "scan_numbers"]})
    assert [places["scan_numbers"].nx_class, places["scan_numbers"].dataset] == [DETECTOR, "data"]


def test_only_scalars_are_positioners() -> None:
    places = places_of({"musst": ["musst:t", "musst:trace"], "ctl": ["ctl:d"]}, dims={"musst:trace": 1})
    assert places["musst:t"].nx_class == POSITIONER
    assert places["musst:trace"].nx_class == DETECTOR


def test_a_positioner_overrides_the_published_type() -> None:
    place = places_of({"ctl": ["ctl:a"], "other": ["o:d"]}, counters={"ctl:a": SIGNAL})["ctl:a"]
    assert (place.nx_class, place.dataset) == (POSITIONER, "value")


def test_the_short_name_counts_the_channels_of_the_subscan_only() -> None:
    scan = scan_of({"timer1": {"timer1": ["timer1:t"], "a": ["a:d"]}, "timer2": {"timer2": ["timer2:t"]}})
    for subscan, channel in zip(scan.subscans, ("timer1:t", "timer2:t"), strict=True):
        assert Places(scan, subscan, FLAT)[channel].group == "t"


def test_names_that_become_equal_get_places_of_their_own() -> None:
    counters = dict.fromkeys(("c:di-ode", "c:di_ode"), SIGNAL)
    counters |= {f"{name}_N": SAMPLING for name in counters}
    places = places_of({"timer": ["timer:t"], "c": list(counters)}, counters=counters)
    found = [(p.group, p.dataset, p.link) for p in map(places.__getitem__, counters)]
    assert found == [
        ("di_ode", "signal", "di_ode"),
        ("di_ode_2", "signal", "di_ode_2"),
        ("di_ode", "N", "di_ode_N"),
        ("di_ode_2", "N", "di_ode_2_N"),
    ]


def test_a_detector_and_a_counter_of_the_same_group_have_datasets_of_their_own() -> None:
    """`x` is a detector with `x/data`, `x_data` a part of a counter `x`."""
    channels = ["c:x_data", "c:x"]
    places = places_of({"timer": ["timer:t"], "c": channels}, counters={"c:x_data": SAMPLING})
    assert [(places[c].group, places[c].dataset, places[c].link) for c in channels] == [
        ("x", "data_2", "x_data_2"),
        ("x", "data", "x"),
    ]


def test_a_part_of_a_counter_leaves_the_alias_alone() -> None:
    counters = {"c:x_data": SAMPLING, "c:x": SIGNAL}
    places = places_of({"timer": ["timer:t"], "c": list(counters)}, counters=counters)
    assert places["c:x"].alias
    assert places["c:x_data"].dataset == "data_2"


MCA = {"device_type": "mca"}
LIMA = {"device_type": "lima"}


def test_an_element_of_an_mca_is_one_group() -> None:
    names = ["x:spectrum_det0", "x:icr_det0", "x:my_roi_det0", "x:my_roi"]
    places = places_of({"timer": ["timer:t"], "x": names}, counters=dict.fromkeys(names, MCA))
    found = [(p.group, p.dataset, p.link, p.alias, p.unit) for p in map(places.__getitem__, names)]
    assert found == [
        ("x_det0", "spectrum", "x_det0", True, None),
        ("x_det0", "trigger_count_rate", "x_det0_trigger_count_rate", False, "hertz"),
        ("x_det0", "my_roi", "x_det0_my_roi", False, None),
        ("x_sum", "my_roi", "x_sum_my_roi", False, None),
    ]
    assert {p.device_type for p in map(places.__getitem__, names)} == {"mca"}


def test_counters_of_the_session_tell_the_elements_that_the_scan_does_not_count() -> None:
    counters = dict.fromkeys(["x:spectrum_det0", "x:my_roi"], MCA)
    assert (
        places_of({"timer": ["timer:t"], "x": ["x:my_roi"]}, counters=counters)["x:my_roi"].group == "x_sum"
    )
    counters = dict.fromkeys(["x:my_roi"], MCA)
    assert (
        places_of({"timer": ["timer:t"], "x": ["x:my_roi"]}, counters=counters)["x:my_roi"].group == "x_roi"
    )


def test_a_region_of_a_camera_is_told_which_metadata_are_its_own() -> None:
    names = ["cam:roi_counters:r_1_sum", "cam:roi_counters:r_1_min", "cam:image"]
    places = places_of({"timer": ["timer:t"], "cam": names}, counters=dict.fromkeys(names, LIMA))
    found = [(p.group, p.dataset, p.link, p.alias, p.selection) for p in map(places.__getitem__, names)]
    assert found == [
        ("cam_r_1", "sum", "cam_r_1", True, "r_1"),
        ("cam_r_1", "min", "cam_r_1_min", False, "r_1"),
        ("cam", "image", "cam", True, ""),
    ]


def test_two_that_stand_for_one_group_share_no_link() -> None:
    """Images of a camera and their sum; a region with counters and a profile of the same name."""
    names = ["cam:image", "cam:sum", "cam:roi_counters:r_sum", "cam:roi_profiles:r"]
    places = places_of({"timer": ["timer:t"], "cam": names}, counters=dict.fromkeys(names, LIMA))
    assert [(p.group, p.dataset, p.link, p.alias) for p in map(places.__getitem__, names)] == [
        ("cam", "image", "cam", True),
        ("cam", "sum", "cam_sum", False),
        ("cam_r", "sum", "cam_r", True),
        ("cam_r", "sum_2", "cam_r_sum_2", False),
    ]


def test_a_late_channel_has_its_kind_too() -> None:
    names = ["x:spectrum_det0", "ctl:d"]
    counters = {"x:spectrum_det0": MCA, "ctl:d": SIGNAL}
    places = places_of({"timer": ["timer:t"]}, counters=counters)
    assert [(places[name].group, places[name].dataset) for name in names] == [
        ("x_det0", "spectrum"),
        ("ctl_d", "signal"),
    ]


def test_links_are_unique_too() -> None:
    """A detector `x_N` and the part `N` of a counter `x` would both be linked as `x_N`."""
    counters = {"c:x": SIGNAL, "c:x_N": SAMPLING}
    places = places_of({"timer": ["timer:t"], "c": ["c:x", "c:x_N", "d:x-N"]}, counters=counters)
    assert [places[c].link for c in ("c:x", "c:x_N", "d:x-N")] == ["x", "x_N_2", "x_N"]


@pytest.mark.parametrize("name", ["name", "positioners", "positioners_start"])
def test_a_channel_cannot_take_the_place_of_the_instrument(name: str) -> None:
    places = places_of({"timer": ["timer:t"], "c": [f"c:{name}"]})
    assert places[f"c:{name}"].group == f"{name}_2"


def test_a_channel_that_the_chain_does_not_list_keeps_its_full_name() -> None:
    places = places_of({"timer": ["timer:t"], "c": ["c:x"]})
    late = places["late:x"]
    assert (late.group, late.dataset, late.link, late.nx_class) == ("late_x", "data", "late_x", DETECTOR)
    assert places["late:x"] is late


def test_members_of_a_group() -> None:
    counters = {"c:x": SIGNAL, "c:x_N": SAMPLING}
    places = places_of({"timer": ["timer:t"], "c": list(counters)}, counters=counters)
    assert set(places.members("x")) == {"signal", "data", "N"}
    assert set(places.members("t")) == {"value"}
