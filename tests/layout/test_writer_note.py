"""What an entry says of its writing: who, when, how many points of each channel."""

from __future__ import annotations

import getpass
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import pytest

import nexus_writer
from nexus_writer.hdf5 import LiveFile, OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.model import Scan

from .scans import channel, points, scan_of

NAMES = ["ctl:a", "ctl:b"]
Made = tuple[ScanFile, Scan, Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    path = tmp_path / "scan.h5"
    scan = scan_of({"timer": {"timer": [], "ctl": NAMES}}, filename=str(path), npoints=10)
    scan_file = ScanFile(scan, OpenFiles(), LayoutOptions())
    scan_file.create()
    scan_file.commit()
    return scan_file, scan, path


@contextmanager
def note_in(path: Path) -> Iterator[Any]:
    """The note as another process finds it after a kill, now."""
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    with h5py.File(copy) as file:
        yield file["1.1/writer"]


def text(note: Any, name: str) -> str:
    return str(note[name].asstr()[()])


def columns(note: Any) -> dict[str, Any]:
    """The table of points."""
    group = note["points"]
    return {
        name: (group[name].asstr()[()] if name in ("channel", "key") else group[name][()]).tolist()
        for name in group
    }


def test_it_says_who_writes_which_scan(made: Made) -> None:
    scan_file, scan, path = made
    with note_in(path) as note:
        assert note.attrs["NX_class"] == "NXnote"
        assert text(note, "status") == "STARTING"
        assert text(note, "program") == "nexus-writer"
        assert note["program"].attrs["version"] == nexus_writer.__version__
        assert text(note, "author") == getpass.getuser()
        assert text(note, "host") == socket.gethostname()
        assert text(note, "session") == "session"
        assert text(note, "scan") == scan.key
        assert "end_time" not in note
    scan_file.finish({}, "", None)
    with note_in(path) as note:
        start, end = (datetime.fromisoformat(text(note, name)) for name in ("start_time", "end_time"))
        assert start < end
        assert text(note, "date") == text(note, "end_time")
        assert (datetime.now().astimezone() - end).total_seconds() < 60


def test_points_count_once_they_are_flushed(made: Made) -> None:
    scan_file, scan, path = made
    with note_in(path) as note:
        assert columns(note) == {"channel": [], "key": [], "expected": [], "committed": []}
    a, b = (channel(scan, name) for name in NAMES)
    scan_file.add_channel(a)
    scan_file.commit()
    with note_in(path) as note:
        assert columns(note) == {"channel": ["ctl:a"], "key": [a.key], "expected": [10], "committed": [0]}
    scan_file.add_channel(b)
    scan_file.append(points(b, 1.0, 2.0))
    with note_in(path) as note:
        assert columns(note)["committed"] == [0]
    scan_file.commit()
    scan_file.append(points(a, 1.0))
    scan_file.append(points(b, 3.0, start=2))
    scan_file.commit()
    with note_in(path) as note:
        assert columns(note) == {
            "channel": NAMES,
            "key": [a.key, b.key],
            "expected": [10, 10],
            "committed": [1, 3],
        }
        assert note["points"].attrs["NX_class"] == "NXcollection"
        assert note["points/committed"].dtype == "i8"


def test_the_end_tells_what_came_and_what_is_missing(made: Made) -> None:
    scan_file, scan, path = made
    a, b = (channel(scan, name) for name in NAMES)
    for one in (a, b):
        scan_file.add_channel(one)
    scan_file.append(points(a, 1.0, 2.0))
    scan_file.append(points(b, 1.0, start=2))
    scan_file.append(points(b, 1.0, 2.0, start=5))
    failure = scan_file.finish({}, "<class 'RuntimeError'>", None)
    assert failure == "ctl:b: points 0 to 1, 3 to 4 never came"
    with note_in(path) as note:
        table = columns(note)
        assert table["committed"] == [2, 7]
        assert table["received"] == [2, 3]
        assert table["missing"] == [[1, 0, 1], [1, 3, 4]]
        assert note["points/missing"].attrs["columns"].tolist() == ["channel", "first", "last"]
        assert text(note, "status") == "FAILED"
        assert note["warnings"].asstr()[()].tolist() == [failure]
        assert note.parent["end_reason"].asstr()[()] == "FAILURE: RuntimeError"


def test_a_channel_that_never_appears_has_a_row(made: Made) -> None:
    scan_file, scan, path = made
    b = channel(scan, "ctl:b")
    scan_file.add_channel(b)
    scan_file.append(points(b, 1.0))
    scan_file.commit()
    assert scan_file.finish({"npoints": 10}, "", None) is None
    with note_in(path) as note:
        assert columns(note) == {
            "channel": ["ctl:b", "ctl:a"],
            "key": [b.key, ""],
            "expected": [10, 10],
            "committed": [1, 0],
            "received": [1, 0],
        }
        assert text(note, "status") == "SUCCEEDED"


def test_without_gaps_nothing_is_missing(made: Made) -> None:
    scan_file, scan, path = made
    a = channel(scan, "ctl:a")
    scan_file.add_channel(a)
    scan_file.pass_over(f"{scan.key}:timer:ctl:b", "ctl:b")
    scan_file.append(points(a, 1.0))
    assert scan_file.finish({"npoints": 20}, "", None) is None
    with note_in(path) as note:
        assert columns(note) == {
            "channel": ["ctl:a"],
            "key": [a.key],
            "expected": [20],
            "committed": [1],
            "received": [1],
        }
        assert text(note, "status") == "SUCCEEDED"


def test_a_thousand_channels_are_one_row_each(tmp_path: Path) -> None:
    names = [f"ctl:c{number}" for number in range(1000)]
    path = tmp_path / "scan.h5"
    scan = scan_of({"timer": {"timer": [], "ctl": names}}, filename=str(path), npoints=3)
    scan_file = ScanFile(scan, OpenFiles(), LayoutOptions())
    scan_file.create()
    for name in names:
        scan_file.add_channel(channel(scan, name))
    for start in range(3):
        for name in names:
            scan_file.append(points(channel(scan, name), float(start), start=start))
        scan_file.commit()
    with note_in(path) as note:
        assert columns(note)["committed"] == [3] * 1000
        assert columns(note)["channel"] == names
        assert note["points/committed"].chunks == (1000,)


def test_channels_without_a_point_need_one_flush(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted waits for a flush of the points; no point waits for none."""
    scan_file, scan, path = made
    flushes = []
    flush = LiveFile.flush
    monkeypatch.setattr(LiveFile, "flush", lambda file: flushes.append(flush(file)))
    a, b = (channel(scan, name) for name in NAMES)
    scan_file.add_channel(a)
    scan_file.add_channel(b)
    scan_file.commit()
    assert len(flushes) == 1
    with note_in(path) as note:
        assert columns(note)["committed"] == [0, 0]
        assert columns(note)["channel"] == NAMES
    scan_file.append(points(a, 1.0, 2.0))
    scan_file.commit()
    assert len(flushes) == 3
    with note_in(path) as note:
        assert columns(note)["committed"] == [2, 0]
