"""A scan that is finished goes at once, without a collector: it holds what HDF5 had open."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions

from .scans import channel, points
from .test_camera_data import Camera
from .test_scan_file import scan_in, start


@pytest.fixture(autouse=True)
def nothing_is_collected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("failed", [None, "it was stopped"])
def test_of_channels(files: OpenFiles, tmp_path: Path, failed: str | None) -> None:
    scan = scan_in(tmp_path / "file.h5")
    scan_file = start(scan, files)
    diode = channel(scan, "ctl:diode")
    scan_file.add_channel(diode)
    scan_file.append(points(diode, 1.0, 2.0))
    scan_file.prepare({})
    scan_file.warn("careful")
    scan_file.commit()
    gone = weakref.ref(scan_file), weakref.ref(scan_file._entries), weakref.ref(scan_file._file)
    scan_file.finish({}, "", failed)
    del scan_file
    assert [one() for one in gone] == [None, None, None]


def test_of_points_that_may_be_masked(files: OpenFiles, tmp_path: Path) -> None:
    """They are of different lengths."""
    scan = scan_in(tmp_path / "file.h5")
    scan_file = start(scan, files)
    spectrum = channel(scan, "ctl:spectrum", shape=(3,))
    scan_file.add_channel(spectrum)
    scan_file.append(points(spectrum, [1.0, 2.0, 3.0]))
    scan_file.append(points(spectrum, [1.0, 2.0], start=1))
    scan_file.commit()
    scan_file.finish({}, "", None)
    del scan_file
    assert ours_among_garbage() == []


def ours_among_garbage() -> list[type]:
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return [type(one) for one in gc.garbage if type(one).__module__.startswith(("nexus_writer", "h5py"))]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_of_a_camera(files: OpenFiles, tmp_path: Path) -> None:
    camera = Camera(files, tmp_path, LayoutOptions())
    camera.describe()
    gone = weakref.ref(camera.file), weakref.ref(camera.file._entries), weakref.ref(camera.file._file)
    camera.file.finish({}, "", None)
    del camera
    assert [one() for one in gone] == [None, None, None]
