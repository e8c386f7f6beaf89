"""A scan that is published while the writer is frozen, and what the writer then takes to save it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from ._drain import drain
from ._load import BlockScan, LoadScan
from ._rows import median
from ._server import Place, WriterProcess, is_closed, wait_until


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a channel event: CPU time of all processes and time on the clock, us."""

    cpu_us: float
    wall_us: float

    @property
    def events_per_s(self) -> float:
        return 1e6 / self.wall_us


def medians(costs: Sequence[Cost]) -> Cost:
    return Cost(median(cost.cpu_us for cost in costs), median(cost.wall_us for cost in costs))


def path_of(load: LoadScan | BlockScan) -> Path:
    return Path(load.scan.filename)


def is_open(load: LoadScan | BlockScan) -> bool:
    """Does the writer have its file open?"""
    return path_of(load).exists() and not is_closed(path_of(load))


def saved(writer: WriterProcess, loads: Sequence[LoadScan | BlockScan], points: int) -> Cost:
    """Publish so many points of every scan and their ends while the writer is frozen; let it save them.

    From the moment that it may run until all files are closed. All values are verified then.
    """
    for load in loads:
        wait_until(lambda load=load: is_open(load), "the writer has opened the file")
    with writer.frozen():
        for load in loads:
            load.publish(points)
            load.end()
        cpu_s, started_s = writer.cpu_s(), time.perf_counter()
    for load in loads:
        wait_until(lambda load=load: is_closed(path_of(load)), "the file is closed")
    wall_s = time.perf_counter() - started_s
    cpu_s = writer.cpu_s() - cpu_s
    for load in loads:
        verify(load)
    events = sum(load.events for load in loads)
    return Cost(cpu_s / events * 1e6, wall_s / events * 1e6)


def drained(place: Place, load: LoadScan | BlockScan) -> Cost:
    """The limit of the machine: the same streams by bare XREADs, nothing done with what comes."""
    keys = [channel.key for channel in load.scan.channels.values()]
    return _own_cost(lambda: _drain_all(place, keys, load.events), load.events)


def _drain_all(place: Place, keys: Sequence[str], events: int) -> None:
    entries = drain(place.client, keys)
    if entries != events:
        raise AssertionError(f"{entries} entries read of {events}")


def written_by_h5py(place: Place, load: LoadScan | BlockScan) -> Cost:
    """The limit of HDF5: the same arrays, each in one piece, by plain h5py into a new file."""
    path = place.new_directory() / "h5py.h5"
    path.parent.mkdir(parents=True)
    arrays = {name: load.expected(number) for number, name in enumerate(load.scan.channels)}

    def write() -> None:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file.create_dataset(name.replace(":", "_"), data=values, chunks=True)

    return _own_cost(write, load.events)


def _own_cost(work: Callable[[], None], events: int) -> Cost:
    cpu_s, started_s = time.process_time(), time.perf_counter()
    work()
    wall_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    return Cost(cpu_s / events * 1e6, wall_s / events * 1e6)


def verify(load: LoadScan | BlockScan) -> None:
    """Every value of every channel is in the file."""
    with h5py.File(path_of(load)) as file:
        entry = file[f"{load.scan.info['scan_nb']}.1"]
        assert entry["writer/status"][()] == b"SUCCEEDED", entry["writer/status"][()]
        for number, name in enumerate(load.scan.channels):
            found = entry["measurement"][name.rpartition(":")[2]][()]
            expected = load.expected(number)
            assert np.array_equal(found, expected), f"{name}: {found[:3]} != {expected[:3]}"
