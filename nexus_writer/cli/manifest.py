"""An entry held against its own manifest, piece by piece, also while its file is written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nexus_writer.hdf5 import LiveReader
from nexus_writer.hdf5.manifest_check import (
    ManifestRow,
    differing_points,
    manifest_rows,
    own,
    pieces,
    what_differs,
    wrong_sizes,
)
from nexus_writer.hdf5.verification import EntryReport

from .counted import counted

MOST_RANGES = 10


def compare_with_manifest(file: LiveReader, report: EntryReport) -> None:
    """Add to ``report`` what of the entry is not as it was when its writing ended."""
    try:
        rows = file.read(lambda plain: manifest_rows(plain[report.name]))
    except (KeyError, ValueError) as error:
        report.problems.append(f"/{report.name}: its manifest makes no sense: {error}")
        return
    if rows is None:
        if any(report.points.values()):
            report.notes.append("it has no manifest: what was written is not known")
        return
    before = len(report.problems)
    for row in rows:
        report.problems += [f"{row.path}: {line}" for line in _problems(file, row)]
    report.problems += file.read(lambda plain: wrong_sizes(plain[report.name], Path(plain.filename).parent))
    blocks = sum(-(-row.points // row.block) for row in rows)
    if len(report.problems) == before:
        datasets, blocks_of = counted(len(rows), "dataset"), counted(blocks, "block")
        report.notes.append(f"{datasets} as in the manifest, {blocks_of} of points")
    paths = set(report.datasets.values()) - {row.path for row in rows}
    report.notes += [f"{path} is not in the manifest" for path in file.read(lambda plain: own(plain, paths))]


def _problems(file: LiveReader, row: ManifestRow) -> Iterator[str]:
    if why := file.read(lambda plain: what_differs(plain, row)):
        yield why
        return
    found: list[tuple[int, int, str]] = []
    for start, stop in file.read(lambda plain: pieces(plain[row.path], row)):
        compare = partial(differing_points, row=row, start=start, stop=stop)
        for first, last, why in file.read(lambda plain, compare=compare: compare(plain[row.path])):  # type: ignore[misc]
            if found and found[-1][1:] == (first, why):
                found[-1] = (found[-1][0], last, why)
            else:
                found.append((first, last, why))
    for first, last, why in found[:MOST_RANGES]:
        what = f"cannot be read: {why}" if why else "differ from the manifest"
        yield f"points {first} to {last - 1} {what}"
    if len(found) > MOST_RANGES:
        yield f"and {len(found) - MOST_RANGES} more ranges"
