"""Which categories of a scan leave what."""

from __future__ import annotations

import numpy as np
import pytest

from nexus_writer.layout.metadata import (
    category_trees,
    device_tree,
    instrument_tree,
    split_groups,
    without_members,
)
from nexus_writer.model import Device, Scan
from tests.model.scan_infos import scan_info


def scan_with(**categories: object) -> Scan:
    return Scan.from_info({"scan_meta_categories": list(categories), **categories}, "s:1")


def test_categories_of_a_real_scan() -> None:
    trees, warnings = category_trees(Scan.from_info(scan_info("metadata_ascan"), "s:1"))
    assert list(trees) == ["mycategory", "technique", "sample"]
    assert trees["sample"]["@NX_class"] == "NXsample"
    assert trees["mycategory"]["@NX_class"] == "NXcollection"
    assert warnings == []


def test_only_listed_categories_count() -> None:
    scan = Scan.from_info({"scan_meta_categories": ["a"], "a": {"x": 1}, "b": {"x": 1}}, "s:1")
    assert list(category_trees(scan)[0]) == ["a"]


def test_empty_categories_leave_nothing() -> None:
    scan = scan_with(a={}, b={"@NX_class": "NXfoo"}, c={"NX_class": "NXfoo"}, d="", e=0, f=[], g=None)
    assert category_trees(scan) == ({}, [])


def test_both_ways_of_naming_the_class() -> None:
    trees, _ = category_trees(scan_with(a={"@NX_class": "NXa", "x": 1}, b={"NX_class": "NXb", "x": 1}))
    assert trees == {"a": {"@NX_class": "NXa", "x": 1}, "b": {"@NX_class": "NXb", "x": 1}}


def test_a_value_becomes_a_dataset_of_the_entry() -> None:
    trees, _ = category_trees(scan_with(a=5, b=np.arange(3)))
    assert trees["a"] == 5
    assert trees["b"].tolist() == [0, 1, 2]


def test_what_the_entry_has_itself_is_not_replaced() -> None:
    trees, warnings = category_trees(scan_with(title="other", writer={"status": "FAILED"}, end_time={"a": 1}))
    assert trees == {}
    assert [warning.split()[2] for warning in warnings] == ["title", "writer", "end_time"]


def test_the_instrument_is_a_tree_of_its_own() -> None:
    scan = Scan.from_info(scan_info("metadata_ascan"), "s:1")
    assert "instrument" not in category_trees(scan)[0]
    assert set(instrument_tree(scan)) == {"@NX_class", "fromscaninfo", "mydevice"}
    assert instrument_tree(Scan.from_info(scan_info("loopscan"), "s:1")) == {}


@pytest.mark.parametrize("name", ["notes", "thumbnail", "experiment_documentation"])
def test_members_of_an_entry_that_nexus_names_have_its_class(name: str) -> None:
    assert category_trees(scan_with(**{name: {"x": 1}}))[0][name]["@NX_class"] == "NXnote"
    assert category_trees(scan_with(**{name: {"x": 1, "NX_class": "NXa"}}))[0][name]["@NX_class"] == "NXa"


def test_a_device_gives_all_of_its_metadata_or_those_of_a_region() -> None:
    device = Device("1:rois", metadata={"r1": {"x": 1}, "r2": [1, 2], "type": "lima"})
    assert device_tree(device) == device.metadata
    assert device_tree(device, "r1") == {"selection": {"x": 1}}
    assert device_tree(device, "r2") == {"selection": [1, 2]}
    assert device_tree(device, "r3") == {}


def test_what_names_a_device_is_merged_into_it_without_its_class() -> None:
    tree = {"diode": {"@NX_class": "NXcollection", "gain": 3}, "other": {"x": 1}, "diode2": 5}
    rest, merged = split_groups(tree, {"diode", "diode2"})
    assert rest == {"other": {"x": 1}, "diode2": 5}
    assert merged == {"diode": {"gain": 3}}


def test_metadata_never_replace_points() -> None:
    tree = {"data": 1, ">data": "x", "data/x": 2, "data@note": "a", "signal@note": "b", "gain": 3, "@x": 4}
    kept, left_out = without_members(tree, {"data", "signal"}, {"data"})
    assert kept == {"data@note": "a", "gain": 3, "@x": 4}
    assert left_out == ["data", ">data", "data/x"]
