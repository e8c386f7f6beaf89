from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexus_writer.hdf5 import (
    EntryExists,
    GrowingDataset,
    LiveFile,
    NotStorable,
    OpenFiles,
    create_group,
    external_link,
    require_group,
    set_attributes,
    soft_link,
    write_text,
    write_tree,
    write_value,
)

from .conftest import as_after_a_kill, block


@pytest.fixture
def entry(live: LiveFile) -> Any:
    return create_group(live.root, "1.1", "NXentry")


def test_groups(live: LiveFile) -> None:
    group = create_group(live.root, "1.1", "NXentry")
    create_group(group, "instrument/diode", "NXdetector")
    assert live.root["1.1"].attrs["NX_class"] == "NXentry"
    assert live.root["1.1/instrument"].attrs["NX_class"] == "NXcollection"
    assert live.root["1.1/instrument/diode"].attrs["NX_class"] == "NXdetector"
    with pytest.raises(EntryExists, match=r"scan\.h5 has /1\.1 already"):
        create_group(live.root, "1.1", "NXentry")
    assert require_group(live.root, "1.1", "NXother") == group
    assert group.attrs["NX_class"] == "NXentry"
    write_value(group, "x", 1)
    with pytest.raises(EntryExists):
        require_group(group, "x")
    for name in ("", ".", "..", "/", "a\0b"):
        with pytest.raises(NotStorable):
            create_group(group, name, "NXnote")


@pytest.mark.parametrize(
    "value",
    [
        True,
        7,
        1.5,
        2j,
        "text µ",
        "",
        [1, 2, 3],
        [1.5],
        ["a", "bc"],
        [],
        np.arange(6).reshape(2, 3),
        np.float32(3),
    ],
)
def test_a_value_comes_back(live: LiveFile, entry: Any, value: Any) -> None:
    write_value(entry, "x", value, {"units": "mm", "count": 3})
    live.flush()
    with as_after_a_kill(live) as file:
        dataset = file["1.1/x"]
        found = dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else dataset[()]
        assert np.array_equal(found, value)
        assert np.asarray(found).shape == np.asarray(value).shape
        assert dataset.chunks is None
        assert dataset.maxshape == dataset.shape
        assert dict(dataset.attrs) == {"units": "mm", "count": 3}


def test_text_is_utf8_of_variable_length(entry: Any) -> None:
    write_text(entry, "title", "ascan µ")
    info = h5py.check_string_dtype(entry["title"].dtype)
    assert (info.encoding, info.length, entry["title"].shape) == ("utf-8", None, ())
    attribute = entry.attrs.get_id("NX_class")
    assert h5py.check_string_dtype(attribute.dtype) == info


@pytest.mark.parametrize("new", ["RUNNING", "SUCCEEDED and more", 5, [1, 2], 2.5, "", []])
def test_a_value_is_replaced_and_its_attributes_stay(entry: Any, new: Any) -> None:
    write_value(entry, "x", "STARTING", {"date": "today", "axes": ["a", "b"]})
    write_value(entry, "x", new, {"more": 1})
    found = entry["x"].asstr()[()] if h5py.check_string_dtype(entry["x"].dtype) else entry["x"][()]
    assert np.array_equal(found, new)
    assert entry["x"].attrs["date"] == "today"
    assert entry["x"].attrs["axes"].tolist() == ["a", "b"]
    assert entry["x"].attrs["more"] == 1


def test_small_values_lie_in_the_header_and_are_replaced_like_others(entry: Any) -> None:
    old = {"text": "of a file of before", "number": 1}
    for name, value in old.items():
        entry[name] = value  # h5py gives it a place of its own
    for name, value in {"text": "new", "number": np.int64(2), "small": "a", "many": np.arange(100)}.items():
        write_value(entry, name, value)
    layouts = {name: entry[name].id.get_create_plist().get_layout() for name in entry}
    assert layouts["small"] == h5py.h5d.COMPACT
    assert layouts["many"] == h5py.h5d.CONTIGUOUS
    write_value(entry, "small", "another, longer one")
    assert [entry[name].asstr()[()] for name in ("text", "small")] == ["new", "another, longer one"]
    assert entry["number"][()] == 2


def test_nothing_replaces_groups_links_or_points(entry: Any) -> None:
    create_group(entry, "group", "NXcollection")
    soft_link(entry, "link", "points")
    dataset = GrowingDataset(entry, "points", "f8", ())
    dataset.append([block(0, [1.0, 2.0])])
    for name in ("group", "link", "points"):
        with pytest.raises(NotStorable, match="has that name"):
            write_value(entry, name, 1)
    assert write_tree(entry, {"group": 1, "link": 2, "points": 3, ">points": "x", "group@a": 1}) == [
        ("/1.1/group", "a group has that name"),
        ("/1.1/link", "a link has that name"),
        ("/1.1/points", "a dataset of points has that name"),
        ("/1.1/points", "a dataset of points has that name"),
    ]
    assert write_tree(entry, {"points": None, "group": None, "points/x": 1}) == [
        ("/1.1/points", "a dataset of points has that name"),
        ("/1.1/group", "a group has that name"),
        ("/1.1/points", "something else has that name"),
    ]
    assert entry["points"][()].tolist() == [1, 2]


def test_attributes(entry: Any) -> None:
    set_attributes(entry, {"signal": "x", "axes": ["a", "b"], "n": 3, "none": None, "empty": "", "list": []})
    set_attributes(
        entry, {"signal": "y", "axes": "c", "n": None, "big": "x" * 100_000, "array": np.zeros(20_000)}
    )
    attributes = dict(entry.attrs)
    assert attributes.pop("big") == "x" * 100_000
    assert attributes.pop("array").shape == (20_000,)
    assert attributes.pop("list").shape == (0,)
    assert attributes == {"NX_class": "NXentry", "signal": "y", "axes": "c", "empty": ""}
    for i in range(100):
        set_attributes(entry, {f"a{i}": i})
    assert entry.attrs["a99"] == 99
    with pytest.raises(NotStorable, match=r"/1\.1@bad"):
        set_attributes(entry, {"bad": object()})


def test_links(live: LiveFile, entry: Any, tmp_path: Path) -> None:
    write_value(entry, "x", 1)
    soft_link(entry, "relative", "x")
    soft_link(entry, "measurement/absolute", "/1.1/x")
    soft_link(entry, "dangling", "nowhere")
    assert (entry["relative"][()], entry["measurement/absolute"][()]) == (1, 1)
    with pytest.raises(EntryExists):
        soft_link(entry, "dangling", "x")
    soft_link(entry, "dangling", "x", replace=True)
    assert entry["dangling"][()] == 1
    external_link(entry, "other", tmp_path / "sub" / "other.h5", "/2.1")
    link = entry.get("other", getlink=True)
    assert (link.filename, link.path) == ("sub/other.h5", "/2.1")
    external_link(entry, "other", "../up.h5", "/", replace=True)
    assert entry.get("other", getlink=True).filename == "../up.h5"
    assert live.path.parent == tmp_path


TREE = {
    "@NX_class": "NXsample",
    "@default": "x",
    "name": "gold",
    "name@type": "metal",
    "bool": True,
    "int": 3,
    "float": 1.5,
    "complex": 1j,
    "bytes": b"raw",
    "list": [1, 2],
    "texts": ["a", "b"],
    "empty list": [],
    "array": np.arange(3, dtype="u2"),
    "nothing": None,
    "empty": {},
    "inner": {"deep": {"@NX_class": "NXnote", "x": 1, "x@units": "mm"}, "@a": 1},
    "a/b/c": 5,
    "a/b/c@units": "s",
    ">link": "name",
    ">/up": "/1.1/sample",
    ">external": "other.h5::/1.1",
    ">own": "scan.h5::/1.1/sample/name",
}


def test_a_tree_follows_the_conventions(live: LiveFile, entry: Any) -> None:
    assert write_tree(create_group(entry, "sample", "NXsample"), TREE) == []
    live.flush()
    with as_after_a_kill(live) as file:
        group = file["1.1/sample"]
        assert dict(group.attrs) == {"NX_class": "NXsample", "default": "x"}
        assert group["name"].attrs["type"] == "metal"
        types = {
            name: group[name].dtype for name in ("bool", "int", "float", "complex", "array", "empty list")
        }
        assert types == {
            "bool": "?", "int": "i8", "float": "f8", "complex": "c16", "array": "u2", "empty list": "f8"
        }  # fmt: skip
        assert group["bytes"].asstr()[()] == "raw"
        assert group["texts"].asstr()[()].tolist() == ["a", "b"]
        assert "nothing" not in group
        assert dict(group["empty"].attrs) == {"NX_class": "NXcollection"}
        assert group["inner/deep"].attrs["NX_class"] == "NXnote"
        assert group["inner"].attrs["a"] == 1
        assert group["inner/deep/x"].attrs["units"] == "mm"
        assert group["a/b/c"][()] == 5
        assert group["a/b/c"].attrs["units"] == "s"
        assert group["a"].attrs["NX_class"] == "NXcollection"
        assert group.get("link", getlink=True).path == "name"
        assert group.get("up", getlink=True).path == "/1.1/sample"
        assert group.get("external", getlink=True).filename == "other.h5"
        assert isinstance(group.get("own", getlink=True), h5py.SoftLink)


def test_a_second_pass_replaces_removes_and_merges(entry: Any) -> None:
    group = create_group(entry, "diode", "NXdetector")
    write_tree(group, {"a": 1, "a@units": "mm", "b": 2, ">l": "a", "g": {"x": 1}, "@t": "first"})
    second = {"@NX_class": "NXdetector", "a": "text", "b": None, "l": None, "@t": None, "a@units": None}
    assert write_tree(entry, {"diode": {**second, "g": {"@NX_class": "NXnote", "y": 2}}}) == []
    assert sorted(group) == ["a", "g"]
    assert dict(group.attrs) == {"NX_class": "NXdetector"}
    assert group["a"].asstr()[()] == "text"
    assert dict(group["a"].attrs) == {}
    assert group["g"].attrs["NX_class"] == "NXnote"
    assert sorted(group["g"]) == ["x", "y"]
    assert write_tree(entry, {"diode": {"@NX_class": "NXcollection", ">a": "g"}}) == [
        ("/1.1/diode/a", "a value has that name")
    ]
    assert group.attrs["NX_class"] == "NXdetector"


def test_what_cannot_be_stored_costs_only_itself(entry: Any) -> None:
    tree = {
        "object": object(),
        "first": 1,
        "mixed": [1, "a"],
        "deep": {"ragged": [[1], [2, 3]], "fine": 2, "@bad": {}, "fine@bad": [None]},
        "missing@units": "mm",
        "nothing@units": None,
        "": 3,
        "a/../b": 4,
        "x\0y": 5,
        ">target": 6,
        "@": 7,
        8: 9,
        "last": 1j,
    }
    problems = write_tree(entry, tree)
    assert [path for path, _ in problems] == [
        "/1.1/object",
        "/1.1/mixed",
        "/1.1/deep/ragged",
        "/1.1/deep/@bad",
        "/1.1/deep/fine@bad",
        "/1.1/",
        "/1.1/a/../b",
        "/1.1/x\0y",
        "/1.1/target",
        "/1.1/missing@units",
        "/1.1/@",
    ]
    assert all(why for _, why in problems)
    assert {"first", "deep", "8", "last"} <= set(entry)
    assert entry["deep/fine"][()] == 2


def test_a_tree_without_end_is_cut(entry: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tree: dict[str, Any] = {}
    tree["again"] = tree
    assert write_tree(entry, tree)[-1][1] == "it is nested too deeply"
    monkeypatch.setattr("nexus_writer.hdf5.tree.MOST_MEMBERS", 10)
    wide: dict[str, Any] = {str(i): {"x": 1} for i in range(100)}
    assert "more than 10 items" in write_tree(entry, {"wide": wide})[-1][1]


KEYS = st.text(alphabet="ab/@>. ", max_size=5) | st.sampled_from(
    ["@NX_class", "a@units", ">a", "a/b", "b@b@b"]
)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just([1, 2]), st.just(object())
)


@settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.recursive(VALUES, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=20))
def test_no_tree_raises_or_harms_the_file(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    files = OpenFiles()
    live = files.acquire(tmp_path_factory.mktemp("tree") / "scan.h5", {})
    entry = create_group(live.root, "1.1", "NXentry")
    write_tree(entry, {"tree": tree})
    write_tree(entry, {"tree": tree})
    path = live.path
    files.release(live)
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: (dict(item.attrs), item[()] if isinstance(item, h5py.Dataset) else None)[:0]
        )
