"""What a plot in a file shows: the NXdata that a viewer would choose, read into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .errors import CommandError

MAX_LENGTH = 2000
"""An image has no more rows and columns: more are left out evenly, a screen shows none of them."""

Values = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Series:
    """A signal, or the positions along an axis; the label names the units too, where there are any."""

    label: str
    values: Values
    units: str = ""


@dataclass(frozen=True, slots=True)
class PlotData:
    """``signals`` have the same shape; ``axes`` one Series for each of its dimensions, None where there is
    none. The signals of a ``scatter`` are flat, and have a place in all axes, the fast one first.
    ``spectra``: the last dimension is that of a point."""

    title: str
    signals: Sequence[Series]
    axes: Sequence[Series | None]
    scatter: bool = False
    spectra: bool = False


class NoPlot(CommandError):
    """Nobody said what to plot."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where} has no default plot: select what to plot in the session (plotselect), or name an "
            "NXdata group or another entry as FILE::/entry"
        )


def read_plot(item: h5py.Group | h5py.Dataset) -> PlotData:
    """The default plot of a file or an entry, or the NXdata itself. Raises NoPlot."""
    group = _default_of(item)
    name = _text(group.attrs.get("signal"))
    if _dataset(group, name) is None:
        raise NoPlot(f"{item.file.filename}::{group.name}")
    first = group[name]
    others = [
        other for other in _texts(group.attrs.get("auxiliary_signals")) if _dataset(group, other) is not None
    ]
    step = _step(first.shape)
    signals = [_series(group, signal, step) for signal in (name, *others)]
    axes = _texts(group.attrs.get("axes")) or _text(first.attrs.get("axes")).split(":")
    scatter = len(axes) > 1 and first.ndim == 1
    spectra = _text(first.attrs.get("interpretation")) == "spectrum" and first.ndim > 1
    return PlotData(_title(group), signals, list(_axes(group, axes, first, step, scatter)), scatter, spectra)


def _default_of(item: h5py.Group | h5py.Dataset) -> h5py.Group:
    """Where the attributes ``default`` lead, from ``item`` down."""
    where = f"{item.file.filename}::{item.name}"
    seen = set()
    while isinstance(item, h5py.Group) and item.name not in seen:
        if _text(item.attrs.get("NX_class")) == "NXdata":
            return item
        seen.add(item.name)
        item = item.get(_text(item.attrs.get("default")) or "no default")
    raise NoPlot(where)


def _axes(
    group: h5py.Group, names: Sequence[str], signal: h5py.Dataset, step: tuple[slice, ...], scatter: bool
) -> Iterator[Series | None]:
    if scatter:
        for name in names:
            yield None if _dataset(group, name) is None else _series(group, name, step)
        return
    missing = [""] * (signal.ndim - len(names))
    for length, part, name in zip(signal.shape, step, [*missing, *names], strict=False):
        dataset = _dataset(group, name)
        fits = dataset is not None and dataset.shape == (length,)
        yield _series(group, name, (part,)) if fits else None


def _dataset(group: h5py.Group, name: str) -> h5py.Dataset | None:
    """None where there is none of that name; "." is NeXus' name for none."""
    item = group.get(name) if name not in ("", ".") else None
    return item if isinstance(item, h5py.Dataset) else None


def _series(group: h5py.Group, name: str, step: tuple[slice, ...]) -> Series:
    dataset = group[name]
    units = _text(dataset.attrs.get("units"))
    label = _text(dataset.attrs.get("long_name")) or (f"{name} ({units})" if units else name)
    values = np.asarray(dataset[step[: dataset.ndim]])
    return Series(label, np.abs(values) if values.dtype.kind == "c" else values, units)


def _step(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Which elements to read: all of a curve, of more dimensions not more than can be seen."""
    if len(shape) < 2:
        return (slice(None),) * len(shape)
    return tuple(slice(None, None, max(1, ceil(length / MAX_LENGTH))) for length in shape)


def _title(group: h5py.Group) -> str:
    """The name of the entry, its title, and whether its scan runs still."""
    entry = group
    while entry.name != "/" and _text(entry.attrs.get("NX_class")) != "NXentry":
        entry = entry.parent
    if entry.name == "/":
        return str(group.name)
    title = _text(entry["title"][()]) if "title" in entry else ""
    running = "" if "end_time" in entry else "(running)"
    return "  ".join(filter(None, (entry.name.strip("/"), title, running)))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> list[str]:
    if isinstance(value, str | bytes):
        return [_text(value)]
    return [_text(one) for one in np.asarray(value).ravel().tolist()] if value is not None else []
