"""Scans of a session that a writer in this process saves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import h5py
import numpy as np

from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    timer,
)
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter

COUNTERS = DeviceSpec("ctl", (ChannelSpec("diode", np.float64, unit="V"), ChannelSpec("flag", np.int32)))


def until(condition: Callable[[], object], what: str, timeout_s: float = 60.0) -> None:
    """Let greenlets run until the condition holds."""
    with gevent.Timeout(timeout_s, AssertionError(f"{what}: not after {timeout_s} s")):
        while not condition():
            gevent.sleep(0.005)


def run_scan(dataset: DatasetPublisher, npoints: int = 5, **changes: Any) -> ScanPublisher:
    """Publish a whole loopscan: ``diode`` and ``flag`` count from 0."""
    spec = ScanSpec("loopscan", (timer(COUNTERS),), title=f"loopscan {npoints}", npoints=npoints, **changes)
    with dataset.scan(spec) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(float(npoints)))
        scan["ctl:flag"].publish(np.arange(npoints))
    return scan


def begin(dataset: DatasetPublisher, points: int = 3) -> ScanPublisher:
    """A loopscan of 5 points as ``run_scan`` has them, of which so many are published."""
    scan = dataset.scan(ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan 5", npoints=5))
    scan.prepare()
    publish(scan, points)
    return scan


def publish(scan: ScanPublisher, points: int) -> None:
    """So many more of both channels, at once."""
    for name, kind in (("ctl:diode", np.float64), ("ctl:flag", np.int32)):
        first = scan[name].points
        scan[name].publish(np.arange(first, first + points, dtype=kind))
    scan.flush()


def until_points(writer: NexusSessionWriter, key: str, points: int) -> None:
    """Wait until so many, of all channels together, are in the file of a scan."""
    until(
        lambda: any(one.key == key and one.status().progress.points >= points for one in writer.scans()),
        f"{points} points saved",
    )


def finished(writer: NexusSessionWriter, key: str) -> FinishedScan:
    """A scan, once its file is complete."""
    until(lambda: any(scan.key == key and scan.done() for scan in writer.scans()), f"{key} saved")
    scan = writer.scan(key)
    assert isinstance(scan, FinishedScan)
    return scan


def all_saved(writer: NexusSessionWriter, scans: int) -> None:
    """Wait until so many scans are known, and saved without trouble."""
    until(lambda: len(writer.scans()) >= scans and not writer.running(), f"{scans} scans saved")
    for scan in writer.scans():
        assert scan.state.name == "OFF", scan.reason


def saved(writer: NexusSessionWriter, key: str) -> FinishedScan:
    """The same, of a scan that was saved without trouble."""
    scan = finished(writer, key)
    assert scan.state.name == "OFF", scan.reason
    return scan


@contextmanager
def reading(path: Path) -> Iterator[Any]:
    """A file as another process finds it: HDF5 would look into its own memory of one that this one writes."""
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(path, directory)
        with h5py.File(copy) as file:
            yield file


def links_in(path: Path) -> dict[str, tuple[str, str]]:
    """File and path of the external links in the root of a file, by name."""
    with reading(path) as file:
        links = {name: file.get(name, getlink=True) for name in file}
    return {
        name: (link.filename, link.path)
        for name, link in links.items()
        if isinstance(link, h5py.ExternalLink)
    }
