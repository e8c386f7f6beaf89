"""Blocks of 64 points an event, 100 channels: the whole writer beside h5py writing the same arrays.

    python -m benchmarks.blocks [--repeats 5] [--json]

A bare drain of the same streams stands next to it: no writer that reads them is faster.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._backlog import drained, medians, saved, written_by_h5py
from ._load import BlockScan
from ._rows import Row, run
from ._server import place

CHANNELS, POINTS, POINTS_PER_EVENT = 100, 64 * 400, 64
OF_H5PY = 0.5


def rows(repeats: int) -> Sequence[Row]:
    """P3."""
    writer, limit, bare = [], [], []
    with place() as here:
        for number in range(repeats + 1):  # the first one warms up
            load = BlockScan(
                here.client,
                here.new_directory(),
                channels=CHANNELS,
                points=POINTS,
                points_per_event=POINTS_PER_EVENT,
            )
            costs = saved(here.writer, [load], POINTS), written_by_h5py(here, load), drained(here, load)
            here.client.flushdb()
            if number:
                writer.append(costs[0])
                limit.append(costs[1])
                bare.append(costs[2])
    ours, plain, drain = map(medians, (writer, limit, bare))
    points_per_s = (cost.events_per_s * POINTS_PER_EVENT for cost in (ours, plain, drain))
    return [
        Row(
            "P3",
            f"blocks of {POINTS_PER_EVENT} points: throughput",
            OF_H5PY,
            ours.events_per_s / plain.events_per_s,
            "x h5py",
            "{:,.0f} points/s, h5py in one piece {:,.0f}, bare drain {:,.0f}: {:.2f} x h5py".format(
                *points_per_s, drain.events_per_s / plain.events_per_s
            ),
            at_least=True,
            cpu_us=ours.cpu_us / POINTS_PER_EVENT,
        )
    ]


if __name__ == "__main__":
    run(rows, __doc__)
