"""Scans with plots, played into real files point by point."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nexus_writer.hdf5 import OpenFiles
from nexus_writer.layout import LayoutOptions, ScanFile
from nexus_writer.model import Block, ChannelDescription, Scan

from .scans import channel, scan_info

Point = Mapping[str, Any]

MESH = {"axis": {"axis": ["axis:x", "axis:y"], "ctl": ["ctl:diode", "ctl:counts", "ctl:spectrum"]}}
LINE = {"axis": {"axis": ["axis:x"], "ctl": ["ctl:diode", "ctl:counts", "ctl:spectrum"]}}
TIME = {"timer": {"timer": ["timer:elapsed_time", "timer:epoch"], "ctl": ["ctl:diode", "ctl:counts"]}}
COLUMNS, ROWS = 5, 4
X = 10 + np.array([0, 0.25, 0.5, 0.75, 1])
Y = np.array([0, 0.7, 1.3, 2])
TYPES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "ctl:counts": (np.int32, ()),
    "ctl:spectrum": (np.uint32, (3,)),
}


def mesh_info(*, snake: bool = False, announced: bool = True, **fields: Any) -> dict[str, Any]:
    """Of a mesh over x (fast) and y, which are announced relative to where the motors stand."""
    size = {"npoints": COLUMNS * ROWS, "data_dim": 2, "npoints1": COLUMNS, "npoints2": ROWS}
    info = scan_info(MESH, dims={"ctl:spectrum": 1}, **{**size, **fields})
    for name, stop, points in (("axis:x", 1, COLUMNS), ("axis:y", 2, ROWS)):
        if announced:
            kind = "backnforth" if snake else "forth"
            info["channels"][name] |= {"start": 0, "stop": stop, "axis-points": points, "axis-kind": kind}
        info["channels"][name]["unit"] = "mm"
    return info


def mesh_point(point: int, *, snake: bool = False) -> dict[str, Any]:
    """What is measured as number ``point``: ``counts`` are 100 * row + column + 1."""
    row, column = divmod(point, COLUMNS)
    if snake and row % 2:
        column = COLUMNS - 1 - column
    counts = 100 * row + column + 1
    y = Y[row] if row < ROWS else Y[-1] + row - ROWS + 1
    return {
        "axis:x": X[column],
        "axis:y": y,
        "ctl:diode": counts / 2,
        "ctl:counts": counts,
        "ctl:spectrum": [counts, counts + 1, counts + 2],
    }


def line_info(masters: Mapping[str, Any] = LINE, **fields: Any) -> dict[str, Any]:
    return scan_info(dict(masters), dims={"ctl:spectrum": 1}, **{"npoints": 6, **fields})


def line_point(point: int) -> dict[str, Any]:
    names = {"axis:x": 10.0, "timer:elapsed_time": 0.1, "timer:epoch": 1e9, "ctl:diode": 0.5}
    values = {name: first + point for name, first in names.items()}
    return {**values, "ctl:counts": point + 1, "ctl:spectrum": [point, 1, 2]}


class Played:
    """A scan that is being saved; ``reader`` opens its file, ``nxdata`` its default plot."""

    def __init__(self, info: Mapping[str, Any], path: Path, **options: Any) -> None:
        self.path = path
        self.files = OpenFiles()
        self.scan = Scan.from_info({**info, "filename": str(path)}, "session:ds:1_scan")
        self.info = info
        self.file = ScanFile(self.scan, self.files, LayoutOptions(**options))
        self.file.create()
        self._channels: dict[str, ChannelDescription] = {}
        self._points: dict[str, int] = {}

    def add(self, *names: str) -> None:
        for name in names:
            dtype, shape = TYPES.get(name, (float, ()))
            self._channels[name] = channel(self.scan, name, dtype, shape)
            self.file.add_channel(self._channels[name])

    def feed(self, points: Sequence[Point], *names: str) -> None:
        """Points of the named channels, or of all that were added, in one flush."""
        blocks = {}
        for name in names or self._channels:
            description = self._channels[name]
            start = self._points.get(name, 0)
            values = np.array([point[name] for point in points], dtype=description.dtype)
            blocks[description.key] = [Block(description.key, start, values)]
            self._points[name] = start + len(values)
        self.file.append(blocks)
        self.file.commit()

    def skip(self, name: str, points: int) -> None:
        """Points of a channel that never come."""
        self._points[name] = self._points.get(name, 0) + points

    def play(self, point: Callable[[int], Point], stop: int, *, step: int = 3) -> None:
        for first in range(0, stop, step):
            self.feed([point(index) for index in range(first, min(first + step, stop))])

    def finish(self) -> None:
        assert self.file.finish(dict(self.info), "", None) is None
        assert self.file.warnings == []
        assert len(self.files) == 0

    def reader(self) -> h5py.File:
        return h5py.File(self.path, locking=False)


def default_plot(file: h5py.File, entry: str = "1.1") -> h5py.Group:
    """As a viewer finds it, from the root down."""
    assert file.attrs["default"] == entry
    group = file[entry]
    nxdata = group[group.attrs["default"]]
    assert nxdata.attrs["NX_class"] == "NXdata"
    return nxdata


def signals(nxdata: h5py.Group) -> list[str]:
    others = nxdata.attrs.get("auxiliary_signals")
    return [nxdata.attrs["signal"], *([] if others is None else others.tolist())]


def axes(nxdata: h5py.Group) -> list[str]:
    """Those of a scatter stand at its signal."""
    found = nxdata.attrs.get("axes")
    if found is not None:
        return found.tolist()
    return [name for name in nxdata[nxdata.attrs["signal"]].attrs.get("axes", "").split(":") if name]
