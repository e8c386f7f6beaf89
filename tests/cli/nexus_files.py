"""Files with plots of every kind, made by plain h5py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SHAPE = (4, 5)
X, Y = np.linspace(0, 1, 5), np.linspace(-2, 2, 4)
PEAK = np.exp(-((X - 0.5) ** 2) - Y[:, None] ** 2)


def add_plot(
    file: h5py.File,
    entry: str,
    signals: Mapping[str, Any],
    axes: Mapping[str, Any],
    *,
    order: Sequence[str] = (),
    interpretation: str = "",
    units: Mapping[str, str] | None = None,
    running: bool = False,
) -> None:
    """An entry whose default plot is of these signals; the file shows the last one that was added."""
    group = file.create_group(entry)
    group.attrs["NX_class"] = "NXentry"
    group["title"] = f"scan {entry}"
    if not running:
        group["end_time"] = "2026-11-20T06:32:38+00:00"
    nxdata = group.create_group("plotselect")
    nxdata.attrs["NX_class"] = "NXdata"
    for name, values in {**signals, **axes}.items():
        nxdata[name] = values
        if units and name in units:
            nxdata[name].attrs["units"] = units[name]
    first, *others = signals
    nxdata.attrs["signal"] = first
    if others:
        nxdata.attrs["auxiliary_signals"] = others
    if axes:
        nxdata.attrs["axes"] = list(order or axes)
    if interpretation:
        nxdata[first].attrs["interpretation"] = interpretation
    group.attrs["default"] = "plotselect"
    file.attrs["default"] = entry


def write_file(path: Path) -> Path:
    """One entry for each kind of plot."""
    nan = np.where(np.indices(SHAPE)[0] < 3, PEAK, np.nan)
    spectra = np.arange(4 * 7).reshape(4, 7)
    with h5py.File(path, "w") as file:
        units = {"diode": "uA", "x": "mm"}
        add_plot(file, "1.1", {"diode": X**2}, {"x": X}, units=units)
        add_plot(file, "2.1", {"diode": X, "i0": X + 5, "i1": X - 5}, {"x": X}, units=units)
        add_plot(file, "3.1", {"map": nan, "other": PEAK}, {"y": Y, "x": X}, interpretation="image")
        scatter = {"x": np.tile(X, 4), "y": np.repeat(Y, 5)}
        add_plot(file, "4.1", {"points": PEAK.ravel()}, scatter)
        add_plot(file, "5.1", {"spectra": spectra}, {"y": Y, "datadim0": range(7)}, interpretation="spectrum")
        frames = np.arange(3 * 4 * 5).reshape(3, 4, 5) + 0.5
        frames[2] = np.nan
        axes = {"z": range(3), "datadim0": range(4), "datadim1": range(5)}
        add_plot(file, "6.1", {"frames": frames}, axes, interpretation="image", running=True)
        cube = np.ones((4, 5, 7)) * np.arange(5)[:, None]
        add_plot(file, "7.1", {"cube": cube}, {"y": Y, "x": X, "d": range(7)}, interpretation="spectrum")
        add_plot(file, "8.1", {"value": 3.5}, {})
        add_plot(file, "9.1", {"complex": X * 1j}, {})
        add_plot(file, "10.1", {f"m{i}": PEAK for i in range(12)}, {"y": Y, "x": X}, order=(".", "x"))
    return path
