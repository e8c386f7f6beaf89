"""Whether an entry is whole: what its writer counted, where its links lead, whether its points are these."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nexus_writer.model import Block

from ._library import h5py
from .causes import cause_text
from .reading import names_in
from .texts import to_text

FULL_NAME = "fullname"
FINAL = ("SUCCEEDED", "FAILED")


@dataclass(slots=True)
class EntryReport:
    """``points`` by the key of a channel, as committed; ``datasets`` are paths in the file by that key.

    ``problems`` are what is wrong, one line each; ``notes`` what one may want to know.
    """

    name: str
    scan: str = ""
    status: str = ""
    points: dict[str, int] = field(default_factory=dict)
    datasets: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def own_entry_names(file: Any) -> list[str]:
    """Names of the groups in the root that lie in the file itself."""
    return _hard_names(file)


def check_entry(file: Any, name: str) -> EntryReport:
    """An entry of an open h5py.File; KeyError when there is none."""
    entry, report = file[name], EntryReport(name)
    note = entry.get("writer")
    if not isinstance(note, h5py.Group) or "points" not in note:
        report.notes.append("its writer counted no points: only links are checked")
    else:
        _check_note(note, report)
        _find_datasets(entry, note, report)
    report.problems += _problems_below(entry, f"/{name}", Path(file.filename).parent)
    return report


def _check_note(note: Any, report: EntryReport) -> None:
    report.status = note["status"].asstr()[()]
    report.scan = note["scan"].asstr()[()] if "scan" in note else ""
    if report.status not in FINAL:
        report.problems.append(f"it is not complete: its writing is {report.status}")
    points = note["points"]
    if "channel" not in points:
        return
    names = points["channel"].asstr()[()].tolist()
    report.points = dict(
        zip(points["key"].asstr()[()].tolist(), points["committed"][()].tolist(), strict=False)
    )
    if "missing" in points:
        for row, first, last in points["missing"][()].tolist():
            report.problems.append(f"{names[row]}: points {first} to {last} never came")
    expected = points["expected"][()].tolist()
    for channel, wanted, got in zip(names, expected, report.points.values(), strict=False):
        if wanted and got != wanted:
            report.notes.append(f"{channel}: {got} of {wanted} expected points")


def _find_datasets(entry: Any, note: Any, report: EntryReport) -> None:
    """The dataset of each channel, which has at least as many points as were committed."""
    if not report.points:
        return
    by_name: dict[str, str] = {}
    instrument = entry.get("instrument", {})
    for group in (instrument[name] for name in (names_in(instrument) if len(instrument) else ())):
        for name in _hard_names(group) if isinstance(group, h5py.Group) else ():
            item = group.get(name)
            if isinstance(item, h5py.Dataset) and FULL_NAME in item.attrs:
                by_name.setdefault(str(item.attrs[FULL_NAME]), item.name)
    names = note["points/channel"].asstr()[()].tolist()
    for channel, (key, committed) in zip(names, report.points.items(), strict=False):
        path = by_name.get(channel)
        if path is None:
            if committed:
                report.problems.append(
                    f"{channel}: {committed} points were committed, and there is no dataset"
                )
            continue
        report.datasets[key] = path
        shape = entry.file[path].shape
        if committed > (shape[0] if len(shape) == 1 else prod(shape, start=1)):
            report.problems.append(f"{path}: {committed} points were committed, its shape is {shape}")


def _hard_names(group: Any) -> list[str]:
    """Names in ``group`` that are no links: ``data`` is one to the dataset ``signal`` beside it, say."""
    links = group.id.links
    return [name for name in names_in(group) if links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD]


def _problems_below(item: Any, path: str, directory: Path) -> Iterator[str]:
    """Links and sources that lead nowhere, and what cannot be read."""
    if isinstance(item, h5py.Dataset):
        yield from _lost_sources(item, path, directory)
        return
    for name in names_in(item):
        below = f"{path}/{name}"
        try:
            link = item.get(name, getlink=True)
            if isinstance(link, h5py.HardLink):
                yield from _problems_below(item[name], below, directory)
            elif name not in item or item.get(name) is None:
                target = f"{link.filename}::" if isinstance(link, h5py.ExternalLink) else ""
                yield f"{below}: its link leads nowhere: {target}{link.path}"
        except (KeyError, OSError, RuntimeError, ValueError) as error:
            yield f"{below} cannot be read: {cause_text(error)}"


def _lost_sources(dataset: Any, path: str, directory: Path) -> Iterator[str]:
    if dataset.is_virtual:
        sources = {(source.file_name, source.dset_name) for source in dataset.virtual_sources()}
        for file_name, name in sorted(sources):
            if file_name != "." and not _has_dataset(directory / file_name.replace("%%", "%"), name):
                yield f"{path}: the source {file_name}::{name} lacks, its points read as fill values"
    for file_name, _, _ in dataset.external or ():
        if not (directory / os.fsdecode(file_name)).is_file():
            yield f"{path}: the file {file_name} lacks"
    if dataset.size and dataset.shape and not dataset.is_virtual and not dataset.external:
        _ = dataset[tuple(length - 1 for length in dataset.shape)]


def _has_dataset(path: Path, name: str) -> bool:
    try:
        with h5py.File(path, "r", locking=False) as file:
            return name.replace("%%", "%") in file
    except OSError:
        return False


def difference(dataset: Any, block: Block) -> str:
    """How the points of ``block`` differ from those in the file, bit by bit; "" when they do not."""
    values = block.values
    lead = max(0, dataset.ndim - (values.ndim - 1))
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    source = dataset.asstr() if is_text else dataset
    if is_text and values.ndim == 1 and dataset.ndim > 1:
        lead = 1
    if lead == 1:
        rows = source[block.start : block.stop]
    else:
        whole = np.asarray(source[()])
        rows = whole.reshape(-1, *dataset.shape[lead:])[block.start : block.stop]
    if len(rows) < len(values):
        return f"only {block.start + len(rows)} of {block.stop} points are in the file"
    same = _same_texts if is_text else _same_bits
    return _first_difference(rows, values, block.start, same)


def _first_difference(
    rows: npt.NDArray[Any], values: npt.NDArray[Any], start: int, same: Callable[[Any, Any], bool]
) -> str:
    if same(rows, values):
        return ""
    for number in range(len(values)):
        if not same(rows[number : number + 1], values[number : number + 1]):
            return f"point {start + number} differs from the one in Redis"
    return f"points from {start} on differ from those in Redis"


def _same_bits(rows: npt.NDArray[Any], values: npt.NDArray[Any]) -> bool:
    """Smaller points are in the corner of their place."""
    if rows.ndim != values.ndim:
        values = values.reshape(len(values), *(n for n in values.shape[1:] if n != 1))
        if rows.ndim != values.ndim:
            return rows.size == values.size and rows.tobytes() == values.astype(rows.dtype).tobytes()
    corner = rows[tuple(map(slice, values.shape))]
    with np.errstate(all="ignore"):
        return corner.shape == values.shape and corner.tobytes() == values.astype(rows.dtype).tobytes()


def _same_texts(rows: npt.NDArray[Any], values: npt.NDArray[Any]) -> bool:
    for row, value in zip(rows, values, strict=True):
        if np.ndim(row) == 0:
            if row != to_text(value):
                return False
            continue
        texts = [to_text(one) for one in np.ravel(np.asarray(value, dtype=object))]
        if np.ravel(row).tolist()[: len(texts)] != texts:
            return False
    return True
