"""``nexus-writer verify``: is everything of a scan in its file?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any

import redis

from nexus_writer.data.connection import connect
from nexus_writer.data.errors import DataError, Undecodable
from nexus_writer.data.points import PointDecoder
from nexus_writer.data.scan_items import ScanEnded, ScanPoints
from nexus_writer.data.scan_reader import ScanReader
from nexus_writer.hdf5 import LiveReader, Unreadable, open_live
from nexus_writer.hdf5.verification import EntryReport, check_entry, difference
from nexus_writer.model import Block

from .counted import counted, counted_range
from .errors import CommandError
from .file_target import FileTarget
from .manifest import compare_with_manifest
from .side_files import Place, places_of

QUIET_S = 1.0
MOST_DIFFERENCES = 3


def verify(target: FileTarget, *, redis_url: str | None, as_json: bool) -> None:
    """Print what was found of each entry. Raises CommandError when something is wrong."""
    try:
        reports = [report for place in places_of(target) for report in _reports(place, redis_url)]
    except (OSError, Unreadable) as error:
        why = f"{target.path}: {error.strerror}" if isinstance(error, FileNotFoundError) else str(error)
        raise CommandError(why) from None
    if as_json:
        print(json.dumps([asdict(report) for report in reports], indent=1))
    else:
        for report in reports:
            _print(report)
    wrong = sum(bool(report.problems) for report in reports)
    if wrong:
        raise CommandError(f"{target.path}: {wrong} of {len(reports)} entries are not whole")
    if not reports:
        raise CommandError(f"{target.path} holds no entries of its own: verify the files that it links to")


def _reports(place: Place, redis_url: str | None) -> Iterator[EntryReport]:
    client = None if redis_url is None else connect(redis_url)
    try:
        with open_live(place.path) as file:
            for name in place.names:
                report = file.read(lambda plain, name=name: check_entry(plain, name))  # type: ignore[misc]
                if name in place.ties:
                    report.notes.append(f"in {place.path.name}, {place.ties[name]}")
                compare_with_manifest(file, report)
                if client is not None:
                    _compare_with_redis(file, report, client)
                yield report
    finally:
        if client is not None:
            client.close()


def _compare_with_redis(file: LiveReader, report: EntryReport, client: redis.Redis) -> None:
    """Every point that Redis still holds of the entry's channels."""
    if not report.scan or not client.exists(report.scan):
        report.notes.append("Redis holds the scan no more")
        return
    compared: dict[str, int] = {}
    differences: dict[str, list[str]] = {}
    try:
        for block in _blocks(client, report):
            path = report.datasets[block.channel]
            compared[path] = compared.get(path, 0) + len(block)
            found = file.read(lambda plain, path=path, block=block: difference(plain[path], block))  # type: ignore[misc]
            if found:
                differences.setdefault(path, []).append(found)
    except (DataError, redis.RedisError) as error:
        report.problems.append(f"Redis could not be read to the end: {error}")
    for path, lines in differences.items():
        more = f", and {len(lines) - MOST_DIFFERENCES} more" if len(lines) > MOST_DIFFERENCES else ""
        report.problems.append(f"{path}: {'; '.join(lines[:MOST_DIFFERENCES])}{more}")
    total = sum(compared.values())
    report.notes.append(f"{total} points of {counted(len(compared), 'channel')} compared with Redis")
    if len(compared) < sum(bool(points) for points in report.points.values()):
        report.notes.append("of the other channels Redis holds no points, or they are cameras")


def _blocks(client: redis.Redis, report: EntryReport) -> Iterator[Block]:
    decoders = {key: PointDecoder(key) for key in report.datasets}
    with closing(ScanReader(client, report.scan)) as reader:
        items: list[Any] = []
        while not (items and isinstance(items[-1], ScanEnded)):
            items = reader.read(timeout_s=QUIET_S)
            if not items:
                return
            for key, entries in (
                stream for item in items if isinstance(item, ScanPoints) for stream in item.streams
            ):
                if key in decoders:
                    yield from _decoded(decoders, key, entries, report)


def _decoded(
    decoders: dict[str, PointDecoder], key: str, entries: Any, report: EntryReport
) -> Iterator[Block]:
    try:
        yield from decoders[key].decode(entries)
    except Undecodable as error:
        if "status" not in key and report.points.get(key):
            report.notes.append(f"not compared: {error}")
        del decoders[key]


def _print(report: EntryReport) -> None:
    counts = list(report.points.values())
    channels = counted(len(counts), "channel")
    points = f", {counted_range(counts, 'point')} of {channels}" if counts else ""
    print(f"/{report.name}: {'NOT WHOLE' if report.problems else 'whole'}, {report.status or '-'}{points}")
    for line in report.problems:
        print(f"  ! {line}")
    for line in report.notes:
        print(f"    {line}")
