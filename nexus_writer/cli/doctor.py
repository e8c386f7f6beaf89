"""``nexus-writer doctor``: what is the matter with a file, and what to do. Only reads."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nexus_writer.hdf5.file_start import read_superblock
from nexus_writer.hdf5.locks import holder_of_path
from nexus_writer.layout.holder import own_file, side_files

from .counted import counted, counted_range
from .errors import CommandError
from .side_files import tie

LOOK_WITHIN_S = 120.0
FINAL = ("SUCCEEDED", "FAILED")
REBUILD = (
    "while Redis holds its scans, make them anew beside it: nexus-writer rebuild SESSION --output DIRECTORY"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of what was found; ``remedy`` is "" where all is well."""

    text: str
    remedy: str = ""


def doctor(path: Path) -> None:
    """Print all findings. Raises CommandError, after them, when one of them wants a remedy."""
    findings = list(examine(path))
    for finding in findings:
        print(finding.text)
        if finding.remedy:
            print(f"  -> {finding.remedy}")
    ill = sum(bool(finding.remedy) for finding in findings)
    if ill:
        want = "1 finding wants" if ill == 1 else f"{ill} findings want"
        raise CommandError(f"{path}: {want} something to be done")


def examine(path: Path) -> Iterator[Finding]:
    """From the outside in, as far as it is possible."""
    outside = list(_look_at_path(path))
    yield from outside
    if any(finding.remedy for finding in outside):
        return
    holder = holder_of_path(path)
    if holder:
        yield Finding(f"open for writing in {holder}")
    else:
        yield Finding("no process of this host has it open for writing")
    yield from _look_at_superblock(path, holder)
    yield from _look_inside(path, holder)


def _look_at_path(path: Path) -> Iterator[Finding]:
    try:
        status = path.stat()
    except OSError as error:
        above = next(parent for parent in path.absolute().parents if parent.exists())
        yield Finding(
            f"{path}: {error.strerror}",
            f"look for it elsewhere: of its path there is {above}, mounts included",
        )
        return
    if not stat.S_ISREG(status.st_mode):
        yield Finding(f"{path} is no file", "give the file itself")
        return
    yield Finding(f"{path}: {status.st_size} bytes, owner {status.st_uid}, mode {status.st_mode & 0o777:o}")
    if not os.access(path, os.R_OK):
        yield Finding("this user may not read it", "ask as its owner, or as root")
    elif not status.st_size:
        yield Finding(
            "it is empty: its copying never came to an end, or another program truncated it", REBUILD
        )


def _look_at_superblock(path: Path, holder: str | None) -> Iterator[Finding]:
    superblock = read_superblock(path)
    if superblock is None:
        yield Finding("no HDF5 file: it has no signature", f"move it away; {REBUILD}")
        return
    size = path.stat().st_size - superblock.offset
    if size < superblock.end and not holder:
        lacks = superblock.end - size
        yield Finding(
            f"truncated: the last {lacks} of {superblock.end} bytes lack",
            f"copy it again from where it came from; {REBUILD}",
        )
    if superblock.marked and not holder:
        yield Finding(
            "marked as open by a program that ended without closing it",
            f"in a copy of it: h5clear -s {path.name}",
        )


def _look_inside(path: Path, holder: str | None) -> Iterator[Finding]:
    report = _report(path)
    if "why" in report:
        yield Finding(
            f"HDF5 does not open it: {report['why']}",
            f"do not write into it, keep it for a repair; {REBUILD}",
        )
        return
    if not report["entries"]:
        yield Finding("it holds no entries of its own")
    for entry in report["entries"]:
        yield from _look_at_entry(entry, holder)
    yield from _look_beside(path, report, holder)


def _look_beside(path: Path, report: dict[str, Any], holder: str | None) -> Iterator[Finding]:
    """What of its scans is in side files, and whether it is linked here."""
    if (own := own_file(path)) is not None:
        yield Finding(f"a side file of {own}: keep the two together")
    entries = [entry["name"] for entry in report["entries"]]
    links = {name: (file, item) for name, (file, item) in report["links"].items()}
    for side in side_files(path):
        found = _report(side)
        if "why" in found:
            yield Finding(f"{side} beside it cannot be opened: {found['why']}", f"nexus-writer doctor {side}")
            continue
        for name in (entry["name"] for entry in found["entries"]):
            text = tie(path, side, name, entries, links)
            remedy = ""
            if text.startswith("waits"):
                remedy = f"close it in {holder}; its writer" if holder else "its writer"
                remedy += " links it within a minute, or when it begins the next scan"
            elif text.startswith("not"):
                remedy = f"read it in {side.name}, and rename one of the two"
            yield Finding(f"/{name} is in {side.name}, {text}", remedy)


def _look_at_entry(entry: dict[str, Any], holder: str | None) -> Iterator[Finding]:
    note = entry["note"]
    status, name = note.get("status"), f"/{entry['name']}"
    counts = [points for _, points in entry["channels"]]
    of = f"committed of {counted(len(counts), 'channel')}"
    points = f", {counted_range(counts, 'point')} {of}" if counts else ""
    text = f"{name}: {status or 'not of this writer'}{points}, {counted(entry['datasets'], 'dataset')}"
    if status in FINAL or status is None:
        yield Finding(text)
    elif holder:
        yield Finding(f"{text}; it is being written")
    else:
        scan = note.get("scan", "SCAN")
        host = note.get("host", "an unknown host")
        yield Finding(
            f"{text}; its writer on {host} is not at work on this host",
            "start the writer again, or, while Redis holds it: "
            f"nexus-writer rebuild {scan} --output DIRECTORY",
        )
    if status == "FAILED":
        for warning in entry["warnings"]:
            yield Finding(f"{name} warns: {warning}")
    unreadable = entry["unreadable"]
    if unreadable:
        more = f", and {len(unreadable) - 3} more" if len(unreadable) > 3 else ""
        yield Finding(f"{name} is damaged: {'; '.join(unreadable[:3])}{more}", REBUILD)


def _report(path: Path) -> dict[str, Any]:
    """What a process of its own finds inside."""
    command = [sys.executable, "-m", "nexus_writer.hdf5.entries", str(path)]
    try:
        process = subprocess.run(command, capture_output=True, timeout=LOOK_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        return {"why": f"reading it did not end within {LOOK_WITHIN_S:g} s"}
    if process.returncode < 0:
        return {"why": f"HDF5 crashes on it ({signal.Signals(-process.returncode).name})"}
    try:
        report: dict[str, Any] = json.loads(process.stdout)
    except ValueError:
        return {"why": (process.stderr.decode(errors="replace").splitlines() or ["no answer"])[-1]}
    return report
