"""Hold a tree of NeXus files against a reference tree, item by item.

Every group, dataset, attribute and link of the reference is looked up in the candidate. A link matches when
what it resolves to matches: soft or hard, relative or absolute alike. What may differ from run to run (dates,
versions, the file's own name) is looked up, not compared. The recall is the part of all items that match.

From a shell: ``python tests/compare_files.py REFERENCE CANDIDATE [--structure] [--json] [--show N]
[--tolerate REGEX ...]``; the exit code is 0 when everything matches.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

VOLATILE_ATTRIBUTES = {
    "file_name",
    "file_time",
    "HDF5_Version",
    "h5py_version",
    "creator",
    "creator_version",
    "create_version",
    "publisher",
    "publisher_version",
    "file_update_time",
    "target",
}
VOLATILE_DATASETS = re.compile(r"/(end_time|writer/date|writer/program|notes/note_\d+/date)$")
SUFFIXES = {".h5", ".nx", ".hdf5"}


@dataclass
class Report:
    """What was compared: ``misses`` are (place, why), ``extra`` the places that only the candidate has."""

    structure_only: bool = False
    total: int = 0
    matched: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.matched / self.total if self.total else 0.0

    def check(self, good: bool, where: str, why: str) -> None:
        self.total += 1
        if good:
            self.matched += 1
        else:
            self.misses.append((where, why[:160]))

    def miss_all_below(self, group: h5py.Group, where: str, why: str) -> None:
        group.visit(lambda name: self.check(False, f"{where}/{name}", why))

    def tolerate(self, patterns: Sequence[str]) -> None:
        """Count misses as matches where ``place why`` matches one of the regular expressions."""
        kept = [miss for miss in self.misses if not any(re.search(one, " ".join(miss)) for one in patterns)]
        self.matched += len(self.misses) - len(kept)
        self.misses = kept


def compare_trees(
    reference: Path, candidate: Path, *, structure: bool = False, tolerate: Sequence[str] = ()
) -> Report:
    """Compare all files below two folders; with ``structure`` names, types, dimensions and links alone."""
    report = Report(structure_only=structure)
    for path in sorted(one for one in reference.rglob("*") if one.suffix in SUFFIXES):
        relative = path.relative_to(reference)
        try:
            wanted = h5py.File(path, "r")
        except OSError:
            continue
        with wanted:
            try:
                got = h5py.File(candidate / relative, "r")
            except OSError as error:
                why = f"unreadable: {error}" if (candidate / relative).exists() else "file missing"
                report.check(False, str(relative), why)
                report.miss_all_below(wanted, str(relative), why)
                continue
            with got:
                compare_groups(wanted, got, "", report)
    report.tolerate(tolerate)
    return report


def compare_groups(wanted: h5py.Group, got: h5py.Group, where: str, report: Report) -> None:
    compare_attributes(wanted, got, where or "/", report)
    for name, item in _resolved(wanted):
        path = f"{where}/{name}"
        is_link = isinstance(wanted.get(name, getlink=True), h5py.SoftLink | h5py.ExternalLink)
        if name not in got:
            report.check(False, path, "missing")
            if isinstance(item, h5py.Group) and not is_link:
                report.miss_all_below(item, path, "missing (parent)")
            continue
        try:
            other = got[name]
        except (KeyError, OSError) as error:
            report.check(False, path, f"dangling: {error}")
            continue
        compare_items(item, other, path, is_link, report)
    report.extra.extend(f"{where}/{name}" for name in got if name not in wanted)


def compare_items(item: Any, other: Any, path: str, is_link: bool, report: Report) -> None:
    if isinstance(item, h5py.Dataset):
        if isinstance(other, h5py.Dataset):
            compare_datasets(item, other, path, report)
        else:
            report.check(False, path, "not a dataset")
    elif is_link:
        good = isinstance(other, h5py.Group) and set(item) <= set(other)
        report.check(good, path, "link resolves elsewhere")
    elif isinstance(other, h5py.Group):
        compare_groups(item, other, path, report)
    else:
        report.check(False, path, "not a group")


def compare_datasets(wanted: h5py.Dataset, got: h5py.Dataset, where: str, report: Report) -> None:
    if VOLATILE_DATASETS.search(where):
        report.check(True, where, "")
        return
    text, other_text = wanted.dtype.kind in "OS", got.dtype.kind in "OS"
    if report.structure_only:
        good = wanted.ndim == got.ndim and text == other_text
        report.check(good, where, f"{wanted.dtype}{wanted.shape} != {got.dtype}{got.shape}")
    elif wanted.shape != got.shape:
        report.check(False, where, f"shape {wanted.shape} != {got.shape}")
    else:
        if text != other_text or (not text and wanted.dtype != got.dtype):
            report.check(False, where + ":dtype", f"dtype {wanted.dtype} != {got.dtype}")
        try:
            one, other = wanted[()], got[()]
        except OSError as error:
            report.check(False, where, f"unreadable: {error}")
        else:
            shown = f"{np.asarray(one).ravel()[:3]} != {np.asarray(other).ravel()[:3]}"
            report.check(same(one, other), where, f"values differ: {shown}")
    compare_attributes(wanted, got, where, report)


def compare_attributes(wanted: Any, got: Any, where: str, report: Report) -> None:
    for name in set(wanted.attrs) - VOLATILE_ATTRIBUTES:
        place = f"{where}@{name}"
        if name not in got.attrs:
            report.check(False, place, "attribute missing")
            continue
        one, other = wanted.attrs[name], got.attrs[name]
        good = report.structure_only or same(one, other)
        report.check(good, place, f"attribute {plain(one)!r} != {plain(other)!r}")


def plain(value: Any) -> Any:
    """Text as str, arrays of text as a list, everything else as it is."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray) and value.dtype.kind in "OSU":
        return [plain(one) for one in value.ravel().tolist()]
    return value


def same(one: Any, other: Any) -> bool:
    """Equal values; a text is the same as a list of it, numbers may differ in their last bits."""
    one, other = plain(one), plain(other)
    if isinstance(one, str | list) or isinstance(other, str | list):
        return bool(one == other or [one] == other or one == [other])
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape:
        return False
    if one.dtype.kind in "fc" or other.dtype.kind in "fc":
        return bool(np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
    return bool(np.array_equal(one, other))


def _resolved(group: h5py.Group) -> Iterator[tuple[str, Any]]:
    """Members by name, without those that are dangling links in the reference itself."""
    for name in group:
        try:
            yield name, group[name]
        except (KeyError, OSError):
            continue


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("reference", type=Path)
    parser.add_argument("candidate", type=Path)
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--structure", action="store_true")
    parser.add_argument("--tolerate", action="append", default=[])
    options = parser.parse_args()
    report = compare_trees(
        options.reference, options.candidate, structure=options.structure, tolerate=options.tolerate
    )
    if options.json:
        fields = {"recall": report.recall, "total": report.total, "matched": report.matched}
        print(json.dumps({**fields, "misses": report.misses, "extra": report.extra}))
    else:
        for where, why in report.misses[: options.show]:
            print("MISS", where, "|", why)
        for where in report.extra[: options.show]:
            print("EXTRA", where)
        print(f"recall {report.recall:.4f} ({report.matched}/{report.total})")
    return 0 if report.recall == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
