"""Vectors of 8 kB and frames of 1 MB by value: the whole writer beside a bare drain of the same streams.

    python -m benchmarks.frames [--repeats 5] [--json]

Each as it is saved where the session chooses no compression, and by default: through gzip, which a drain
knows nothing of. Beside it also ``os.write`` of the same bytes into one file. Files are removed after each
turn: memory that a virtual machine has not used before costs it ten times as much as a copy (2 ms for a MB,
where this was written), and a cache of files that grows from turn to turn is nothing else.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._backlog import Cost, drained, medians, path_of, saved
from ._load import BlockScan
from ._rows import Row, median, run
from ._server import Place, place


@dataclass(frozen=True, slots=True)
class Kind:
    """What is published: 2 timer channels and ``channels`` - 2 others of this shape; ``compression`` is the
    session's, "" where it chooses none."""

    name: str
    goal: float
    channels: int
    points: int
    shape: tuple[int, ...]
    dtype: npt.DTypeLike
    compression: str

    @property
    def bytes(self) -> int:
        points = (self.channels - 2) * self.points
        return points * int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


KINDS = (
    Kind("vectors of 8 kB", 0.3, 12, 2000, (1024,), np.float64, "none"),
    Kind("the same through gzip", 0.3, 12, 2000, (1024,), np.float64, ""),
    Kind("frames of 1 MB", 0.4, 3, 200, (512, 1024), np.uint16, "none"),
    Kind("the same through gzip", 0.4, 3, 200, (512, 1024), np.uint16, ""),
)


def rows(repeats: int) -> Sequence[Row]:
    """P4."""
    with place() as here:
        return [_row(here, kind, repeats) for kind in KINDS]


def _row(here: Place, kind: Kind, repeats: int) -> Row:
    writer: list[Cost] = []
    limit: list[Cost] = []
    plain_s: list[float] = []
    for number in range(repeats + 1):  # the first one warms up
        load = BlockScan(
            here.client,
            here.new_directory(),
            channels=kind.channels,
            points=kind.points,
            shape=kind.shape,
            dtype=kind.dtype,
            points_per_event=1,
            compression=kind.compression,
        )
        costs = saved(here.writer, [load], kind.points), drained(here, load), _os_write_s(here, load)
        here.client.flushdb()
        path_of(load).unlink()
        if number:
            writer.append(costs[0])
            limit.append(costs[1])
            plain_s.append(costs[2])
    ours, bare = medians(writer), medians(limit)
    mb_per_us = kind.bytes / (kind.channels * kind.points)
    beside = f"{mb_per_us / ours.wall_us:,.0f} MB/s, bare drain {mb_per_us / bare.wall_us:,.0f}, "
    beside += f"os.write {kind.bytes / 1e6 / median(plain_s):,.0f}"
    ratio = ours.events_per_s / bare.events_per_s
    return Row("P4", kind.name, kind.goal, ratio, "x drain", beside, at_least=True, cpu_us=ours.cpu_us)


def _os_write_s(here: Place, load: BlockScan) -> float:
    arrays = [load.expected(number) for number in range(len(load.scan.channels))]
    path = here.new_directory()
    path.mkdir(parents=True)
    started_s = time.perf_counter()
    with (path / "plain").open("wb", buffering=0) as file:
        for array in arrays:
            view = memoryview(array).cast("B")
            while view:
                view = view[os.write(file.fileno(), view) :]
    wall_s = time.perf_counter() - started_s
    shutil.rmtree(path)
    return wall_s


if __name__ == "__main__":
    run(rows, __doc__)
