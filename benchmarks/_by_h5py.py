"""What plain h5py takes to add to the file of a scan what comes after its opening, all of it at hand."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py

from ._backlog import is_open, path_of
from ._load import LoadScan
from ._rows import median
from ._server import Place, is_closed, wait_until

Maker = Callable[[h5py.File], object]

SETTLED_S = 0.5
"""After its opening nothing is added to a file any more, until points come."""


def cpu_ms_by_h5py(place: Place, channels: int, points: int, repeats: int = 20) -> float:
    """CPU time of one scan's file, without ``fsync`` and in one flush, ms: the median of so many copies."""
    load = LoadScan(place.client, place.new_directory(), channels=channels, points=points)
    wait_until(lambda: is_open(load), "the writer has opened the file")
    time.sleep(SETTLED_S)
    opened = path_of(load).with_suffix(".opened")
    shutil.copy(path_of(load), opened)
    load.publish(points)
    load.end()
    wait_until(lambda: is_closed(path_of(load)), "the file is closed")
    place.client.flushdb()
    with h5py.File(path_of(load)) as file, h5py.File(opened) as before:
        added = list(_added(file, before))
    return median(_cpu_ms(added, opened, number) for number in range(repeats))


def _cpu_ms(added: list[Maker], opened: Path, number: int) -> float:
    path = opened.with_suffix(f".{number}")
    shutil.copy(opened, path)
    started_s = time.process_time()
    with h5py.File(path, "r+") as file:
        for make in added:
            make(file)
    return (time.process_time() - started_s) * 1e3


def _added(group: Any, before: h5py.File) -> Iterator[Maker]:
    """What makes each object and link below the group that was not there before, in order."""
    for name in group:
        path = f"{group.name.rstrip('/')}/{name}"
        link = group.get(name, getlink=True)
        is_new = before.get(path, getlink=True) is None
        if not isinstance(link, h5py.HardLink):
            if is_new:
                yield lambda file, path=path, link=link: file.__setitem__(path, link)
            continue
        item = group[name]
        if is_new:
            yield _maker(path, item)
        if isinstance(item, h5py.Group):
            yield from _added(item, before)


def _maker(path: str, item: Any) -> Maker:
    attributes = dict(item.attrs)
    values = None if isinstance(item, h5py.Group) else item[()]
    chunks, maxshape = (None, None) if values is None else (item.chunks, item.maxshape)

    def make(file: h5py.File) -> None:
        if values is None:
            made = file.create_group(path)
        else:
            made = file.create_dataset(
                path, data=values, chunks=chunks, maxshape=maxshape if chunks else None
            )
        made.attrs.update(attributes)

    return make
