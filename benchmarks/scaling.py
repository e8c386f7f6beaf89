"""How CPU per point grows with channels, and with scans at once; the same number of points each time.

python -m benchmarks.scaling [--repeats 5] [--json]
"""

from __future__ import annotations

from collections.abc import Sequence

from ._backlog import Cost, medians, saved
from ._by_h5py import cpu_ms_by_h5py
from ._load import LoadScan
from ._rows import Row, run
from ._server import Place, place

POINTS = 200_000
MANY_CHANNELS, FEW_CHANNELS, CHANNELS_LIMIT = 1000, 10, 10.0
MANY_SCANS, SCANS_LIMIT = 50, 4.0


def rows(repeats: int) -> Sequence[Row]:
    """P9."""
    cases = [(1, FEW_CHANNELS), (1, MANY_CHANNELS), (MANY_SCANS, FEW_CHANNELS)]
    costs: dict[tuple[int, int], list[Cost]] = {case: [] for case in cases}
    with place() as here:
        cost(here, 1, FEW_CHANNELS)  # warms up
        for _ in range(repeats):
            for case, found in costs.items():
                found.append(cost(here, *case))
        points = POINTS // MANY_SCANS // FEW_CHANNELS
        by_h5py_us = cpu_ms_by_h5py(here, FEW_CHANNELS, points) / (points * FEW_CHANNELS) * 1e3
    few, many_channels, many_scans = (medians(found).cpu_us for found in costs.values())
    beside = f"{{:.1f}} us a point; 1 scan of {FEW_CHANNELS} channels {few:.1f} us"
    return [
        Row(
            "P9",
            f"CPU of a point, {MANY_CHANNELS} channels",
            CHANNELS_LIMIT,
            many_channels / few,
            f"x {FEW_CHANNELS} channels",
            beside.format(many_channels),
            cpu_us=many_channels,
        ),
        Row(
            "P9",
            f"CPU of a point, {MANY_SCANS} scans at once",
            SCANS_LIMIT,
            many_scans / few,
            "x 1 scan",
            f"{beside.format(many_scans)}; h5py alone, of what is added to the files, {by_h5py_us:.1f}",
            cpu_us=many_scans,
        ),
    ]


def cost(here: Place, scans: int, channels: int) -> Cost:
    """Of a point, all scans in files of their own."""
    points = POINTS // scans // channels
    loads = [
        LoadScan(here.client, here.new_directory(), channels=channels, points=points) for _ in range(scans)
    ]
    found = saved(here.writer, loads, points)
    here.client.flushdb()
    return found


if __name__ == "__main__":
    run(rows, __doc__)
