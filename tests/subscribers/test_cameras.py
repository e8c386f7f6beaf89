"""What a camera says, on its way to the file."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from nexus_writer.data.info import RawInfo
from nexus_writer.data.scan_items import CameraPrepared, NodeAdded
from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.model import PathMaps, Scan
from nexus_writer.subscribers.cameras import CameraFeeds
from tests.camera_files import DTYPE, SHAPE, saving, write_files
from tests.layout.scans import scan_info

KEY = "session:1_scan:timer:cam:image"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[ScanFile]:
    info = scan_info({"timer": {"timer": [], "cam": ["cam:image"]}}, filename=str(tmp_path / "scan.h5"))
    files = OpenFiles()
    file = ScanFile(Scan.from_info(info, "session:1_scan"), files, LayoutOptions())
    file.create()
    yield file
    file.finish(None, "", None)
    assert len(files) == 0


def node(**info: Any) -> NodeAdded:
    fields = {name.encode(): pickle.dumps(value, 4) for name, value in info.items()}
    return NodeAdded(KEY, "lima", "cam:image", KEY.rpartition(":")[0], RawInfo(fields))


def status(ready: int, saved: int) -> list[Any]:
    pickled = pickle.dumps({"last_image_ready": ready - 1, "last_image_saved": saved - 1}, 4)
    return [b"1-0", [b"__EVENT__", b"LIMAIMAGESTATUS", b"__STATUS__", pickled]]


def shape_in(file: ScanFile) -> tuple[int, ...]:
    file.commit()
    path = file.uris[0].partition("::")[0]
    with h5py.File(path, locking=False) as opened:
        return tuple(opened["1.1/measurement/image"].shape)


def test_frames_are_those_that_are_saved_and_in_the_end_those_that_are_ready(
    file: ScanFile, tmp_path: Path
) -> None:
    write_files(tmp_path, 4)
    feeds = CameraFeeds(PathMaps())
    feeds.add(node(shape=SHAPE, dtype=DTYPE), file)
    feeds.prepare(CameraPrepared(KEY, saving(tmp_path)), file)
    assert not feeds.receive("session:1_scan:timer:other", [])
    assert feeds.receive(KEY, [status(1, 0), status(3, 2)])
    feeds.refer(file)
    assert shape_in(file) == (2, *SHAPE)
    feeds.refer(file, ended=True)
    file.finish({}, "", None)
    assert file.points[KEY] == 3


def test_what_the_camera_says_when_it_is_prepared_counts(file: ScanFile, tmp_path: Path) -> None:
    feeds = CameraFeeds(PathMaps())
    feeds.add(node(), file)
    feeds.prepare(CameraPrepared(KEY, saving(tmp_path) | {"shape": (7, 8), "dtype": "i4"}), file)
    assert shape_in(file) == (0, 7, 8)


def test_a_camera_that_says_nothing_useful_is_lost(file: ScanFile, tmp_path: Path) -> None:
    feeds = CameraFeeds(PathMaps())
    feeds.add(node(shape=SHAPE, dtype=DTYPE), file)
    feeds.prepare(CameraPrepared(KEY, saving(tmp_path, saving_directory=None)), file)
    assert "saving_directory is None" in file.lost[KEY]


def test_directories_are_mapped(file: ScanFile, tmp_path: Path) -> None:
    write_files(tmp_path, 2)
    feeds = CameraFeeds(PathMaps.parse([f"/beamline={tmp_path}"]))
    feeds.add(node(shape=SHAPE, dtype=DTYPE), file)
    feeds.prepare(CameraPrepared(KEY, saving(Path("/beamline"))), file)
    feeds.receive(KEY, [status(2, 2)])
    feeds.refer(file)
    assert file.finish({}, "", None) is None
    assert file.warnings == []


@pytest.mark.parametrize(
    "changes",
    [
        {"saving_directory": "/elsewhere"},
        {"saving_prefix": "../frame_"},
        {"saving_index_format": "/../../%04d"},
        {"saving_suffix": "/../../x.h5"},
    ],
)
def test_a_camera_that_leads_out_of_the_roots_is_lost(
    file: ScanFile, tmp_path: Path, changes: dict[str, str]
) -> None:
    feeds = CameraFeeds(PathMaps.parse([], [str(tmp_path)]))
    feeds.add(node(shape=SHAPE, dtype=DTYPE), file)
    feeds.prepare(CameraPrepared(KEY, saving(tmp_path, **changes)), file)
    assert "is not below" in file.lost[KEY]


def test_a_camera_below_the_roots_is_not(file: ScanFile, tmp_path: Path) -> None:
    feeds = CameraFeeds(PathMaps.parse([], [str(tmp_path)]))
    feeds.add(node(shape=SHAPE, dtype=DTYPE), file)
    feeds.prepare(CameraPrepared(KEY, saving(tmp_path)), file)
    assert file.lost == {}
