"""Scans in real files, read back with plain h5py."""

from __future__ import annotations

import hashlib
import math
import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from nexus_writer.hdf5 import EntryExists, FileBroken, GrowingDataset, OpenFiles
from nexus_writer.layout import LayoutOptions, NoFilename, ScanFile, ScanSavedElsewhere
from nexus_writer.model import Block, Scan
from tests.model.scan_infos import scan_info as recorded_info

from .scans import SAMPLING, SIGNAL, channel, points, scan_info

LOOPSCAN = {"timer": {"timer": ["timer:elapsed_time"], "ctl": ["ctl:diode", "ctl:diode_N", "ctl:spectrum"]}}
COUNTERS = {
    "ctl:diode": {**SIGNAL, "device_info": {"type": "samplingcounter", "mode": "STATS"}},
    "ctl:diode_N": {**SAMPLING, "device_info": {"type": "samplingcounter", "mode": "STATS"}},
}
ASCAN = {"axis": {"axis": ["axis:robx"], "ctl": ["ctl:diode"]}}
POSITIONS = {
    "positioners_start": {"robx": 1.5, "roby": 2, "shutter": "open", "bad": "*ERR*", "none": None},
    "positioners_dial_start": {"robx": -1.5},
    "positioners_units": {"robx": "mm", "roby": None, "bad": "deg"},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "dir" / "file.h5"


def scan_in(path: Path, masters: dict[str, Any] = LOOPSCAN, *, parents: Any = (), **fields: Any) -> Scan:
    fields.setdefault("counters", COUNTERS)
    info = scan_info(masters, filename=str(path), dims={"ctl:spectrum": 1}, **fields)
    return Scan.from_info(info, "session:ds:1_scan", parents=parents)


def start(scan: Scan, files: OpenFiles, options: LayoutOptions | None = None) -> ScanFile:
    scan_file = ScanFile(scan, files, options or LayoutOptions())
    scan_file.create()
    return scan_file


def opened(path: Path) -> h5py.File:
    """For reading. Only in the process that writes the file HDF5 insists on its way of locking."""
    return h5py.File(path, locking=False)


def text(item: Any) -> str:
    return item[()].decode()


# -- when what is there ----------------------------------------------------------------------------------


def test_a_new_scan_is_there_before_its_first_point(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, positioners=POSITIONS, publisher="Bliss", publisher_version="1.11.4")
    scan_file = start(scan, files)
    assert scan_file.uris == [f"{path}::/1.1"]
    with opened(path) as file:
        attributes = dict(file.attrs)
        assert {"file_time", "file_name", "HDF5_Version", "h5py_version"} < set(attributes)
        assert attributes["NX_class"] == "NXroot"
        assert attributes["default"] == "1.1"
        assert (attributes["creator"], attributes["creator_version"]) == ("Bliss", "1.11.4")
        assert attributes["publisher_version"] == "1.11.4"
        entry = file["1.1"]
        assert entry.attrs["NX_class"] == "NXentry"
        assert text(entry["title"]) == "a title"
        assert datetime.fromisoformat(text(entry["start_time"])).timestamp() == 1_800_000_000.25
        assert entry["instrument"].attrs["NX_class"] == "NXinstrument"
        assert text(entry["writer/status"]) == "STARTING"
        assert "warnings" not in entry["writer"]
        assert "measurement" not in entry
        assert "end_time" not in entry
        assert "end_reason" not in entry
    scan_file.finish({}, "", None)


def test_a_group_comes_with_its_channel_and_a_dataset_with_its_first_point(
    files: OpenFiles, path: Path
) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    diode = channel(scan, "ctl:diode")
    scan_file.add_channel(diode)
    scan_file.add_channel(diode)
    scan_file.append({diode.key: [Block(diode.key, 0, np.empty(0))]})
    scan_file.commit()
    with opened(path) as file:
        group = file["1.1/instrument/diode"]
        assert group.attrs["NX_class"] == "NXdetector"
        assert text(group["type"]) == "samplingcounter"
        assert text(group["mode"]) == "STATS"
        assert set(group) == {"type", "mode"}
        assert "measurement" not in file["1.1"]
    scan_file.append(points(diode, 1.0, 2.0))
    scan_file.commit()
    with opened(path) as file:
        assert file["1.1/instrument/diode/signal"][()].tolist() == [1, 2]
        assert file["1.1/instrument/diode"].get("data", getlink=True).path == "signal"
        link = file["1.1/measurement"].get("diode", getlink=True)
        assert link.path == "/1.1/instrument/diode/signal"
        assert file["1.1/measurement"].attrs["NX_class"] == "NXcollection"
    assert scan_file.points == {diode.key: 2}
    assert scan_file.bytes_written == 16
    scan_file.finish({}, "", None)


def test_running_once_it_is_prepared(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    scan_file.prepare({"scan_meta_categories": ["mine"], "mine": {"x": 1}})
    scan_file.commit()
    with opened(path) as file:
        assert text(file["1.1/writer/status"]) == "RUNNING"
        assert file["1.1/mine/x"][()] == 1
        assert file["1.1/mine"].attrs["NX_class"] == "NXcollection"
    scan_file.finish({}, "", None)


@pytest.mark.parametrize(
    ("exception", "reason"),
    [("", "SUCCESS"), ("<class 'RuntimeError'>", "FAILURE: RuntimeError")],
)
def test_the_end_is_that_of_the_scan(files: OpenFiles, path: Path, exception: str, reason: str) -> None:
    """A scan that failed is saved successfully."""
    scan_file = start(scan_in(path), files)
    scan_file.finish({"end_timestamp": 1_800_000_009.125}, exception, None)
    with opened(path) as file:
        end_time = datetime.fromisoformat(text(file["1.1/end_time"]))
        assert end_time.timestamp() == 1_800_000_009.125
        assert end_time.tzinfo is not None
        assert text(file["1.1/end_reason"]) == reason
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"
        written = datetime.fromisoformat(text(file["1.1/writer/date"]))
        assert abs(written.timestamp() - path.stat().st_mtime) < 5


def test_an_end_that_was_not_seen_is_unknown(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    scan_file.finish(None, "", "stopped by the operator")
    with opened(path) as file:
        assert text(file["1.1/end_reason"]) == "UNKNOWN"
        assert "end_time" in file["1.1"]
        assert text(file["1.1/writer/status"]) == "FAILED"
        assert file["1.1/writer/warnings"].asstr()[()].tolist() == ["stopped by the operator"]


def test_the_date_of_the_writer_moves_on(files: OpenFiles, path: Path) -> None:
    dates = []
    scan_file = start(scan_in(path), files)
    for step in (lambda: scan_file.prepare({}), lambda: scan_file.finish({}, "", None)):
        with opened(path) as file:
            dates.append(text(file["1.1/writer/date"]))
        step()
    with opened(path) as file:
        dates.append(text(file["1.1/writer/date"]))
    assert dates[0] < dates[2]


# -- channels --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "shape", "values", "expected_dtype", "shown_as"),
    [
        (float, (), [1.5, math.nan], "<f8", None),
        (np.float32, (), [1.5, 2], "<f4", None),
        (int, (), [1, 2], "<i8", None),
        (">i4", (), [1, 2], ">i4", None),
        (np.uint64, (), [2**64 - 1, 0], "<u8", None),
        (bool, (), [True, False], "?", None),
        (complex, (), [1j, 2], "<c16", None),
        (np.uint32, (4,), [[1, 2, 3, 4], [5, 6, 7, 8]], "<u4", "spectrum"),
        (np.uint16, (2, 2), [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], "<u2", "image"),
        (np.uint16, (1, 2, 2), [[[[1, 2], [3, 4]]]], "<u2", "vertex"),
    ],
)
def test_numbers(
    files: OpenFiles,
    path: Path,
    dtype: Any,
    shape: tuple[int, ...],
    values: Any,
    expected_dtype: str,
    shown_as: str | None,
) -> None:
    scan = scan_in(path, counters={})
    scan_file = start(scan, files)
    description = channel(scan, "ctl:spectrum", dtype, shape)
    scan_file.add_channel(description)
    array = np.array(values, dtype=dtype)
    scan_file.append({description.key: [Block(description.key, 0, array)]})
    scan_file.finish({}, "", None)
    with opened(path) as file:
        dataset = file["1.1/instrument/spectrum/data"]
        assert dataset.dtype == np.dtype(expected_dtype)
        assert dataset.maxshape == (None,) * array.ndim
        assert dataset.attrs.get("interpretation") == shown_as
        np.testing.assert_array_equal(dataset[()], array)
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


def test_texts(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:spectrum", object)
    scan_file.add_channel(description)
    scan_file.append(points(description, "a", "é"))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/spectrum"].asstr()[()].tolist() == ["a", "é"]


@pytest.mark.parametrize("received", [1, 3, 7])
def test_all_points_are_saved_and_no_others(files: OpenFiles, path: Path, received: int) -> None:
    """Three points are announced."""
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    for index in range(received):
        scan_file.append(points(description, float(index), start=index))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/diode"][()].tolist() == list(range(received))
        assert file["1.1/measurement/diode"].chunks == (3,)
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


def test_an_unknown_number_of_points_has_chunks_of_512(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, npoints=0)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    scan_file.append(points(description, 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/diode"].chunks == (512,)


def test_ragged_points_are_padded(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:spectrum", float, (1,))
    scan_file.add_channel(description)
    blocks = [Block(description.key, n - 1, np.arange(n, dtype=float)[np.newaxis]) for n in (1, 2, 3)]
    scan_file.append({description.key: blocks})
    scan_file.finish({}, "", None)
    nan = math.nan
    with opened(path) as file:
        dataset = file["1.1/measurement/spectrum"]
        np.testing.assert_array_equal(dataset[()], [[0, nan, nan], [0, 1, nan], [0, 1, 2]])
        assert dataset.attrs["interpretation"] == "spectrum"


def test_what_the_session_wishes_of_chunks(files: OpenFiles, path: Path) -> None:
    wishes = {
        "chunk_nbytes": 80,
        "chunk_split": 2,
        "compression_limit_nbytes": 0,
        "compression_scheme": "gzip",
    }
    scan = scan_in(path, npoints=100, writer_options={"chunk_options": wishes})
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    scan_file.append(points(description, 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        dataset = file["1.1/measurement/diode"]
        assert dataset.chunks == (10,)
        assert (dataset.compression, dataset.shuffle) == ("gzip", False)


def test_an_unknown_compression_costs_a_warning(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, writer_options={"chunk_options": {"compression_scheme": "zip"}})
    scan_file = start(scan, files)
    scan_file.finish({}, "", None)
    with opened(path) as file:
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert "'zip'" in warning
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


@pytest.mark.parametrize(
    ("own", "listed", "at_the_end", "unit"),
    [
        ("mm", None, None, "mm"),
        (None, "mm", None, "mm"),
        ("mm", "m", "m", "mm"),
        (None, None, "mm", "mm"),
        (None, "m", "mm", "mm"),
        (None, None, None, None),
        ("", "", "", None),
    ],
)
def test_units(
    files: OpenFiles, path: Path, own: str, listed: str | None, at_the_end: str | None, unit: str | None
) -> None:
    info = scan_info(LOOPSCAN, filename=str(path))
    info["channels"]["ctl:diode"]["unit"] = listed
    scan = Scan.from_info(info, "session:ds:1_scan")
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode", unit=own)
    scan_file.add_channel(description)
    scan_file.append(points(description, 1.0))
    info["channels"] = info["channels"] | {"ctl:diode": info["channels"]["ctl:diode"] | {"unit": at_the_end}}
    scan_file.finish(info, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/diode"].attrs.get("units") == unit


def test_what_changes_with_the_points_of_many_channels_lies_together(files: OpenFiles, path: Path) -> None:
    """The headers of their datasets are in few pages of the file, which each flush writes anew."""
    names = [f"ctl:c{number}" for number in range(300)]
    scan = scan_in(path, {"timer": {"ctl": names}}, counters={})
    scan_file = start(scan, files)
    channels = [channel(scan, name) for name in names]
    for one in channels:
        scan_file.add_channel(one)
    scan_file.append({key: blocks for one in channels for key, blocks in points(one, 1.0).items()})
    scan_file.commit()
    with opened(path) as file:
        headers = [h5py.h5o.get_info(file[f"1.1/instrument/{name[4:]}/data"].id).addr for name in names]
    scan_file.finish({}, "", None)
    assert len({address // 4096 for address in headers}) < len(names) / 5


def test_a_channel_without_points_is_an_empty_detector(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, counters={})
    scan_file = start(scan, files)
    scan_file.add_channel(channel(scan, "ctl:spectrum", float, (0,)))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert list(file["1.1/instrument/spectrum"]) == []
        assert "measurement" not in file["1.1"]
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


def test_channels_that_become_equal_keep_their_points_apart(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, {"timer": {"timer": ["timer:t"], "c": ["c:di-ode", "c:di_ode"]}}, counters={})
    scan_file = start(scan, files)
    for value, name in enumerate(("c:di-ode", "c:di_ode")):
        description = channel(scan, name)
        scan_file.add_channel(description)
        scan_file.append(points(description, float(value)))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert {name: item[()].tolist() for name, item in file["1.1/measurement"].items()} == {
            "di_ode": [0.0],
            "di_ode_2": [1.0],
        }


def test_a_gap_is_a_loss(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    scan_file.append(points(description, 1.0))
    scan_file.append(points(description, 4.0, start=3))
    scan_file.append(points(description, 6.0, start=5))
    assert scan_file.lost == {}
    assert scan_file.finish({}, "", None) == "ctl:diode: points 1 to 2, 4 to 4 never came"
    with opened(path) as file:
        nan = math.nan
        np.testing.assert_array_equal(file["1.1/measurement/diode"][()], [1, nan, nan, 4, nan, 6])
        assert text(file["1.1/writer/status"]) == "FAILED"
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert "points 1 to 2" in warning


# -- what goes wrong -------------------------------------------------------------------------------------


def test_a_channel_that_fails_costs_only_itself(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    good, bad = channel(scan, "ctl:diode"), channel(scan, "ctl:spectrum", int)
    for description in (good, bad):
        scan_file.add_channel(description)
    scan_file.append({**points(bad, 1), **points(good, 1.0)})
    scan_file.append({**points(bad, 2, start=2), **points(good, 2.0, start=1)})
    scan_file.append({**points(bad, "no number", start=1), **points(good, 3.0, start=2)})
    scan_file.append({**points(bad, 3, start=3), **points(good, 4.0, start=3)})
    assert list(scan_file.lost) == [bad.key]
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [1, 2, 3, 4]
        assert file["1.1/measurement/spectrum"][()].tolist() == [1, 0, 2]
        assert text(file["1.1/writer/status"]) == "FAILED"
        (warning,) = file["1.1/writer/warnings"].asstr()[()]
        assert warning.startswith("ctl:spectrum is not saved from point 3 on: ")
    assert scan_file.warnings == [warning]


def test_a_channel_given_up_by_the_caller(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    scan_file.lose(description.key, "diode cannot be decoded")
    scan_file.lose(description.key, "diode cannot be decoded at all")
    scan_file.append(points(description, 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert "measurement" not in file["1.1"]
        assert text(file["1.1/writer/status"]) == "FAILED"
        assert file["1.1/writer/warnings"].asstr()[()].tolist() == ["diode cannot be decoded"]


def test_points_without_a_channel_are_a_loss(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    scan_file.append(points(channel(scan, "ctl:diode"), 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert text(file["1.1/writer/status"]) == "FAILED"


def test_warnings_alone_do_not_fail_the_writing(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    for warning in ("one", "two", "one"):
        scan_file.warn(warning)
    scan_file.commit()
    with opened(path) as file:
        assert file["1.1/writer/warnings"].asstr()[()].tolist() == ["one", "two"]
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


def test_what_is_wrong_with_a_scan_info_is_told_in_the_file(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, title=None)
    scan_file = start(scan, files)
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert text(file["1.1/title"]) == "1_scan"
        assert "scan info: title is missing" in file["1.1/writer/warnings"].asstr()[()]


def test_no_file_name(files: OpenFiles) -> None:
    scan_file = ScanFile(Scan.from_info(scan_info(LOOPSCAN), "session:ds:1_scan"), files, LayoutOptions())
    with pytest.raises(NoFilename, match="No filename specified"):
        scan_file.create()
    assert scan_file.uris == []
    scan_file.finish({}, "", None)


def test_an_entry_that_exists_is_left_untouched(files: OpenFiles, path: Path) -> None:
    start(scan_in(path), files).finish({}, "", None)
    before = hashlib.sha256(path.read_bytes()).digest()
    for masters in (LOOPSCAN, {**LOOPSCAN, "timer2": {"timer2": []}}):
        scan_file = ScanFile(scan_in(path, masters), files, LayoutOptions())
        with pytest.raises(EntryExists, match=r"1\.1"):
            scan_file.create()
        scan_file.finish({}, "", None)
        assert hashlib.sha256(path.read_bytes()).digest() == before


def test_a_scan_that_another_writer_has_saved_says_so(files: OpenFiles, path: Path) -> None:
    """The remedy is another one than for a name that is taken."""
    start(scan_in(path), files).finish({}, "", None)
    with opened(path) as file:
        note = file["1.1/writer"]
        writer = ", ".join(
            (note["program"].asstr()[()], f"{note['author'].asstr()[()]}@{socket.gethostname()}")
        )
    with pytest.raises(ScanSavedElsewhere) as error:
        start(scan_in(path), files)
    assert str(error.value).startswith(
        f"another writer ({writer}) has saved this scan: {path} has 1.1 already"
    )
    assert str(error.value).endswith("stop one of the two writers")


@pytest.mark.parametrize("other", ["a later scan of that key", "another key", "no note", "a dataset"])
def test_an_entry_of_another_scan_is_just_taken(files: OpenFiles, path: Path, other: str) -> None:
    start(scan_in(path), files).finish({}, "", None)
    with h5py.File(path, "a") as file:
        if other == "another key":
            file["1.1/writer/scan"][()] = "session:ds:2_scan"
        elif other == "no note":
            del file["1.1/writer"]
        elif other == "a dataset":
            del file["1.1"]
            file["1.1"] = 1
    fields = {"start_timestamp": 1_900_000_000.5} if other.startswith("a later") else {}
    with pytest.raises(EntryExists, match="save under another name") as error:
        start(scan_in(path, **fields), files)
    assert not isinstance(error.value, ScanSavedElsewhere)


def test_nothing_is_made_when_only_the_second_entry_exists(files: OpenFiles, path: Path) -> None:
    two = {"m1": {"m1": []}, "m2": {"m2": []}}
    start(scan_in(path, two), files).finish({}, "", None)
    with h5py.File(path, "a") as file:
        del file["1.1"]
    with pytest.raises(EntryExists, match=r"1\.2"):
        start(scan_in(path, two), files)
    with opened(path) as file:
        assert list(file) == ["1.2"]


def test_a_broken_file_is_given_back(files: OpenFiles, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    scan_file.append(points(description, 1.0))
    scan_file.commit()

    def fail(*args: object) -> int:
        raise FileBroken(path, "disk full")

    monkeypatch.setattr(GrowingDataset, "append", fail)
    with pytest.raises(FileBroken):
        scan_file.append(points(description, 2.0, start=1))
    with pytest.raises(FileBroken):
        scan_file.finish({}, "", "disk full")
    assert len(files) == 0


# -- positioners -----------------------------------------------------------------------------------------


def test_positions_at_the_start(files: OpenFiles, path: Path) -> None:
    start(scan_in(path, positioners=POSITIONS), files).finish({}, "", None)
    with opened(path) as file:
        instrument = file["1.1/instrument"]
        assert {name for name in instrument if name.startswith("positioners")} == {
            "positioners",
            "positioners_start",
            "positioners_dial_start",
        }
        for name in ("positioners", "positioners_start"):
            group = instrument[name]
            assert group.attrs["NX_class"] == "NXcollection"
            assert set(group) == {"robx", "roby", "shutter", "bad"}
            assert (group["robx"].dtype, group["robx"][()]) == ("<f8", 1.5)
            assert (group["roby"].dtype, group["roby"][()]) == ("<i8", 2)
            assert text(group["shutter"]) == "open"
            assert dict(group["robx"].attrs) == {"units": "mm"}
            assert dict(group["roby"].attrs) == {}
            assert math.isnan(group["bad"][()])
            assert dict(group["bad"].attrs) == {"units": "deg", "error": "*ERR*"}
        assert instrument["positioners_dial_start/robx"][()] == -1.5


def test_positions_at_the_end(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path, positioners=POSITIONS), files)
    end = {"positioners_end": {"robx": 3.0}, "positioners_dial_end": {"robx": -3.0}}
    later = {name: dict.fromkeys(POSITIONS[name], 99) for name in ("positioners_start",)}
    scan_file.finish({"positioners": {**POSITIONS, **later, **end}}, "", None)
    with opened(path) as file:
        instrument = file["1.1/instrument"]
        assert instrument["positioners_end/robx"][()] == 3
        assert instrument["positioners_end/robx"].attrs["units"] == "mm"
        assert instrument["positioners_dial_end/robx"][()] == -3
        assert instrument["positioners_start/robx"][()] == 1.5
        assert instrument["positioners/robx"][()] == 1.5


def test_a_scanned_motor_is_a_positioner_with_links(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, ASCAN, positioners=POSITIONS)
    scan_file = start(scan, files)
    robx = channel(scan, "axis:robx", unit="mm")
    scan_file.add_channel(robx)
    scan_file.commit()
    with opened(path) as file:
        assert file["1.1/instrument/positioners/robx"][()] == 1.5
    scan_file.append(points(robx, 0.0, 0.5, 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        entry = file["1.1"]
        assert entry["instrument/robx"].attrs["NX_class"] == "NXpositioner"
        assert set(entry["instrument/robx"]) == {"value"}
        target = "/1.1/instrument/robx/value"
        assert entry["instrument/positioners"].get("robx", getlink=True).path == target
        assert entry["measurement"].get("robx", getlink=True).path == target
        assert entry["instrument/positioners/robx"][()].tolist() == [0, 0.5, 1]
        assert entry["instrument/positioners_start/robx"][()] == 1.5
        assert entry["instrument/positioners/roby"][()] == 2


def test_positioner_links_need_no_snapshot(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    elapsed = channel(scan, "timer:elapsed_time")
    scan_file.add_channel(elapsed)
    scan_file.append(points(elapsed, 0.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert set(file["1.1/instrument/positioners"]) == {"elapsed_time"}


@pytest.mark.parametrize("multivalue", [False, True])
def test_positioners_of_one_device(files: OpenFiles, path: Path, multivalue: bool) -> None:
    scan = scan_in(path, {"axis": {"axis": ["axis:x", "axis:y"], "ctl": ["ctl:diode"]}})
    scan_file = start(scan, files, LayoutOptions(multivalue_positioners=multivalue))
    for name in ("axis:x", "axis:y"):
        description = channel(scan, name)
        scan_file.add_channel(description)
        scan_file.append(points(description, 0.0))
    scan_file.finish({}, "", None)
    links = {
        False: {"x": "/1.1/instrument/x/value", "y": "/1.1/instrument/y/value"},
        True: {"axis": "/1.1/instrument/axis/value", "axis_y": "/1.1/instrument/axis/y"},
    }[multivalue]
    with opened(path) as file:
        for collection in ("measurement", "instrument/positioners"):
            group = file["1.1"][collection]
            assert {name: group.get(name, getlink=True).path for name in group} == links


# -- metadata --------------------------------------------------------------------------------------------


def test_metadata_of_a_recorded_scan(files: OpenFiles, path: Path) -> None:
    info = recorded_info("metadata_ascan") | {"filename": str(path)}
    info["nexuswriter"]["masterfiles"] = {}
    parents = [{"Sample_description": "a nice sample", "__frozen__": False}, {"Sample_name": "thename"}]
    scan = Scan.from_info(info, "s:1_ascan", parents=parents)
    scan_file = start(scan, files)
    scan_file.prepare(info)
    scan_file.finish(info, "", None)
    assert scan_file.warnings == []
    with opened(path) as file:
        entry = file["1.1"]
        mine = entry["mycategory"]
        assert mine.attrs["NX_class"] == "NXcollection"
        assert set(mine) == {"extra", "key1", "flag", "f32", "arr", "strlist"}
        assert text(mine["key1"]) == "value é unicode"
        assert (mine["flag"].dtype, mine["flag"][()]) == ("?", True)
        assert (mine["f32"].dtype, mine["f32"][()]) == ("<f4", 2.5)
        assert mine["arr"][()].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert mine["strlist"].asstr()[()].tolist() == ["a", "bb"]
        parameters = entry["technique/fscan_parameters"]
        assert parameters["c"][()].tolist() == [1, 2, 3]
        assert parameters["nested"].attrs["NX_class"] == "NXcollection"
        assert "customtoplevel" not in entry
        instrument = entry["instrument"]
        assert instrument["mydevice"].attrs["NX_class"] == "NXdetector"
        assert instrument["mydevice/gain"].attrs["units"] == "dB"
        assert instrument["fromscaninfo/x"][()] == 1
        assert text(instrument["name"]) == "ESRF-id00"
        assert instrument["name"].attrs["short_name"] == "id00"
        sample = entry["sample"]
        assert sample.attrs["NX_class"] == "NXsample"
        assert text(sample["name"]) == "thename"
        assert text(sample["description"]) == "a nice sample"
        assert (sample["temperature"][()], sample["temperature"].attrs["units"]) == (300.5, "K")
        notes = entry["notes"]
        assert [text(note["data"]) for note in notes.values()] == [
            "comment before start",
            "comment while running: π",
        ]
        assert list(notes) == ["note_01", "note_02"]
        assert text(notes["note_01/type"]) == "text/plain"
        assert notes["note_01"].attrs["NX_class"] == "NXnote"
        date = datetime.fromisoformat(text(notes["note_01/date"]))
        assert date.timestamp() == pytest.approx(1795156480.691455, abs=1e-6)


def test_metadata_of_a_scan_that_was_never_prepared(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    scan_file.finish({"scan_meta_categories": ["mine"], "mine": {"x": 1}}, "", None)
    with opened(path) as file:
        assert file["1.1/mine/x"][()] == 1


def test_metadata_at_the_end_replace_those_before(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    scan_file.prepare({"scan_meta_categories": ["mine"], "mine": {"x": 1, "gone": 2, "kept": 3}})
    scan_file.finish({"scan_meta_categories": ["mine"], "mine": {"x": "text", "gone": None}}, "", None)
    with opened(path) as file:
        assert set(file["1.1/mine"]) == {"x", "kept"}
        assert text(file["1.1/mine/x"]) == "text"


def test_what_cannot_be_stored_costs_only_itself(files: OpenFiles, path: Path) -> None:
    scan_file = start(scan_in(path), files)
    mine = {
        "before": 1,
        "when": datetime(2026, 1, 1),
        "what": object(),
        "in": {"bad": [{}], "good": 2},
        "after": 3,
    }
    info = {"scan_meta_categories": ["mine"], "mine": mine}
    scan_file.prepare(info)
    scan_file.finish(info, "", None)
    with opened(path) as file:
        assert set(file["1.1/mine"]) == {"before", "in", "after"}
        assert set(file["1.1/mine/in"]) == {"good"}
        warnings = file["1.1/writer/warnings"].asstr()[()].tolist()
        assert len(warnings) == 3
        assert all("/1.1/mine/" in warning for warning in warnings)
        assert text(file["1.1/writer/status"]) == "SUCCEEDED"


def test_metadata_of_a_device_and_of_the_instrument_go_into_its_group(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files)
    description = channel(scan, "ctl:diode")
    scan_file.add_channel(description)
    info = scan_info(LOOPSCAN)
    info["devices"]["timer.ctl:ctl"]["metadata"] = {"gain": 3, "gain@units": "dB", "type": "published"}
    info["scan_meta_categories"] = ["instrument"]
    info["instrument"] = {
        "@NX_class": "NXinstrument",
        "diode": {
            "@NX_class": "NXcollection",
            "model": "X",
            "signal": 5,
            "data@note": "n",
            "signal@note": "n",
        },
        "other": {"@NX_class": "NXsource", "x": 1},
    }
    scan_file.prepare(info)
    scan_file.append(points(description, 1.0))
    scan_file.finish(info, "", None)
    with opened(path) as file:
        group = file["1.1/instrument/diode"]
        assert group.attrs["NX_class"] == "NXdetector"
        assert (group["gain"][()], group["gain"].attrs["units"]) == (3, "dB")
        assert text(group["type"]) == "published"
        assert text(group["mode"]) == "STATS"
        assert text(group["model"]) == "X"
        assert group["signal"][()].tolist() == [1]
        assert group["signal"].attrs["note"] == "n"
        assert file["1.1/instrument/other"].attrs["NX_class"] == "NXsource"
    assert [w for w in scan_file.warnings if "signal" in w]


def test_metadata_that_come_before_their_channel_leave_it_its_class(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, ASCAN)
    scan_file = start(scan, files)
    scan_file.prepare({"scan_meta_categories": ["instrument"], "instrument": {"robx": {"offset": 1}}})
    robx = channel(scan, "axis:robx")
    scan_file.add_channel(robx)
    scan_file.append(points(robx, 1.0))
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/instrument/robx"].attrs["NX_class"] == "NXpositioner"
        assert set(file["1.1/instrument/robx"]) == {"offset", "value"}


def test_without_config_only_the_core_counts(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path)
    scan_file = start(scan, files, LayoutOptions(noconfig=True))
    diode = channel(scan, "ctl:diode")
    scan_file.add_channel(diode)
    scan_file.append(points(diode, 1.0))
    scan_file.finish(scan_info(LOOPSCAN, counters=COUNTERS), "", None)
    with opened(path) as file:
        assert set(file["1.1/instrument/diode"]) == {"data"}
        assert "name" not in file["1.1/instrument"]


# -- several entries -------------------------------------------------------------------------------------


def test_two_top_masters(files: OpenFiles, path: Path) -> None:
    scan = scan_in(path, {"m1": {"m1": ["m1:t"]}, "m2": {"m2": ["m2:t"]}}, scan_nb=7)
    scan_file = start(scan, files)
    for name, count in (("m1:t", 2), ("m2:t", 4)):
        description = channel(scan, name)
        scan_file.add_channel(description)
        scan_file.append(points(description, *[1.0] * count))
    scan_file.warn("careful")
    scan_file.finish({}, "", None)
    with opened(path) as file:
        assert set(file) == {"7.1", "7.2"}
        assert file.attrs["default"] == "7.1"
        assert [len(file[f"7.{i}/measurement/t"]) for i in (1, 2)] == [2, 4]
        assert [text(file[f"7.{i}/writer/status"]) for i in (1, 2)] == ["SUCCEEDED"] * 2
        assert [len(file[f"7.{i}/writer/warnings"]) for i in (1, 2)] == [1, 1]


def test_a_scan_without_top_master_has_an_entry(files: OpenFiles, path: Path) -> None:
    start(scan_in(path, {}, scan_nb=3), files).finish({}, "", None)
    with opened(path) as file:
        assert set(file) == {"3.1"}


def test_two_scans_at_once_in_one_file(files: OpenFiles, path: Path) -> None:
    scans = [scan_in(path, scan_nb=number) for number in (1, 2)]
    scan_files = [start(scan, files) for scan in scans]
    diode = channel(scans[0], "ctl:diode")
    for scan_file in scan_files:
        scan_file.add_channel(diode)
    for index in range(5):
        for number, scan_file in enumerate(scan_files):
            scan_file.append(points(diode, 10.0 * number + index, start=index))
            scan_file.commit()
    scan_files[1].finish({}, "", None)
    assert len(files) == 1
    scan_files[0].finish({}, "", None)
    with opened(path) as file:
        assert file["1.1/measurement/diode"][()].tolist() == [0, 1, 2, 3, 4]
        assert file["2.1/measurement/diode"][()].tolist() == [10, 11, 12, 13, 14]
        assert file.attrs["default"] == "1.1"


def test_a_later_scan_leaves_the_first_alone(files: OpenFiles, path: Path) -> None:
    def tree() -> dict[str, Any]:
        found = {}
        with opened(path) as file:
            file["1.1"].visititems(
                lambda name, item: found.update({name: (dict(item.attrs), getattr(item, "shape", None))})
            )
        return found

    start(scan_in(path, positioners=POSITIONS), files).finish({}, "", None)
    before = tree()
    start(scan_in(path, scan_nb=2), files).finish({}, "", None)
    assert tree() == before
    with opened(path) as file:
        assert file.attrs["default"] == "2.1"
