"""Scalars, one point an event, 100 channels: the whole writer beside a bare drain of the same streams.

    python -m benchmarks.scalars [--repeats 5] [--json]

A backlog of 200,000 events, byte for byte as BLISS publishes them, saved by ``NexusWriterService`` with all
that it does: reading, decoding pickles, layout, HDF5, digests, its committer's process. Values are verified.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._backlog import drained, medians, saved
from ._load import LoadScan
from ._rows import Row, run
from ._server import place

CHANNELS, POINTS = 100, 2000
OF_THE_DRAIN = 0.45
CPU_US = 1.2


def rows(repeats: int) -> Sequence[Row]:
    """P1 and P2."""
    writer, limit = [], []
    with place() as here:
        for number in range(repeats + 1):  # the first one warms up
            load = LoadScan(here.client, here.new_directory(), channels=CHANNELS, points=POINTS)
            costs = saved(here.writer, [load], POINTS), drained(here, load)
            here.client.flushdb()
            if number:
                writer.append(costs[0])
                limit.append(costs[1])
    ours, bare = medians(writer), medians(limit)
    return [
        Row(
            "P1",
            f"scalars, {CHANNELS} channels: throughput",
            OF_THE_DRAIN,
            ours.events_per_s / bare.events_per_s,
            "x drain",
            f"{ours.events_per_s:,.0f} events/s, bare drain {bare.events_per_s:,.0f}",
            at_least=True,
        ),
        Row(
            "P2",
            "the same: CPU of a channel event",
            CPU_US,
            ours.cpu_us,
            "us",
            f"bare drain {bare.cpu_us:.2f} us: {ours.cpu_us / bare.cpu_us:.1f} x",
            cpu_us=ours.cpu_us,
        ),
    ]


if __name__ == "__main__":
    run(rows, __doc__)
