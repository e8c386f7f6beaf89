"""What the whole writer costs: CPU per channel event of a backlog, time from END_SCAN to the closed file.

    python benchmarks/writer.py [--channels 100] [--points 2000] [--repeats 5] [--json]

The writer runs as ``nexus-writer serve``, with everything that it does: reading, decoding pickles, layout,
HDF5. For the backlog it is frozen while the scan is published. Beside it, in the same run, the limit: a bare
low-level XREAD drain of the same streams that does nothing with the data. Values are verified after each
repeat.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np
import redis
from _drain import drain
from _load import LoadScan
from _server import WriterProcess, is_closed, wait_until, writer_process

from nexus_writer.data.embedded import EmbeddedRedis

SESSION = "load"
LIVE_S = 1.5
LIVE_RATE_HZ = 100.0


@dataclass(frozen=True)
class Result:
    """Medians over the repeats; CPU in us per channel event, times in ms."""

    channels: int
    points: int
    repeats: int
    writer_cpu_us: float
    writer_cpu_us_all: list[float]
    drain_cpu_us: float
    writer_events_per_s: float
    drain_events_per_s: float
    end_to_closed_ms: float
    end_to_closed_ms_all: list[float]


def measure(channels: int, points: int, repeats: int) -> Result:
    """Backlogs and live scans in turn, ``repeats`` of each, in one writer process."""
    cpu, wall, drain_cpu, drain_wall, ends = [], [], [], [], []
    with (
        EmbeddedRedis() as server,
        tempfile.TemporaryDirectory() as directory,
        server.client() as client,
        writer_process(SESSION, server.url) as writer,
    ):
        for number in range(repeats + 1):  # the first one warms up
            backlog = backlog_cost(client, writer, Path(directory) / f"backlog{number}", channels, points)
            limit = drain_cost(client, backlog[2])
            end = end_latency(client, Path(directory) / f"live{number}", channels)
            client.flushdb()
            if number:
                cpu.append(backlog[0])
                wall.append(backlog[1])
                drain_cpu.append(limit[0])
                drain_wall.append(limit[1])
                ends.append(end)
    return Result(
        channels,
        points,
        repeats,
        statistics.median(cpu),
        cpu,
        statistics.median(drain_cpu),
        1e6 / statistics.median(wall),
        1e6 / statistics.median(drain_wall),
        statistics.median(ends),
        ends,
    )


def backlog_cost(
    client: redis.Redis, writer: WriterProcess, directory: Path, channels: int, points: int
) -> tuple[float, float, LoadScan]:
    """(CPU us, wall us) per channel event, from the moment that the writer may run to the closed file."""
    load = LoadScan(client, directory, session=SESSION, channels=channels, points=points)
    path = Path(load.scan.info["filename"])
    wait_until(lambda: path.exists() and not is_closed(path), "the writer has opened the file")
    with writer.frozen():
        load.publish(points)
        load.end()
        cpu_s, started_s = writer.cpu_s(), time.perf_counter()
    wait_until(lambda: is_closed(path), "the file is closed")
    wall_s = time.perf_counter() - started_s
    cpu_s = writer.cpu_s() - cpu_s
    verify(load, path, points)
    return cpu_s / load.events * 1e6, wall_s / load.events * 1e6, load


def drain_cost(client: redis.Redis, load: LoadScan) -> tuple[float, float]:
    """(CPU us, wall us) per channel event of reading the same streams and doing nothing."""
    keys = [channel.key for channel in load.scan.channels.values()]
    cpu_s, started_s = time.process_time(), time.perf_counter()
    entries = drain(client, keys)
    wall_s, cpu_s = time.perf_counter() - started_s, time.process_time() - cpu_s
    assert entries == load.events
    return cpu_s / entries * 1e6, wall_s / entries * 1e6


def end_latency(client: redis.Redis, directory: Path, channels: int) -> float:
    """ms from END_SCAN, published, to the file complete and closed; a live scan before it."""
    points = round(LIVE_S * LIVE_RATE_HZ)
    load = LoadScan(client, directory, session=SESSION, channels=channels, points=points)
    path = Path(load.scan.info["filename"])
    wait_until(lambda: path.exists() and not is_closed(path), "the writer has opened the file")
    load.publish(points, rate_hz=LIVE_RATE_HZ)
    load.end()
    ended_s = time.perf_counter()
    wait_until(lambda: is_closed(path), "the file is closed")
    latency_ms = (time.perf_counter() - ended_s) * 1e3
    verify(load, path, points)
    return latency_ms


def verify(load: LoadScan, path: Path, points: int) -> None:
    """Every value of every channel is in the file."""
    with h5py.File(path) as file:
        entry = file[f"{load.scan.info['scan_nb']}.1"]
        assert entry["writer/status"][()] == b"SUCCEEDED", entry["writer/status"][()]
        for number, name in enumerate(load.scan.channels):
            saved = entry["measurement"][name.rpartition(":")[2]][()]
            expected = load.value(number, 0) + np.arange(points)
            assert np.array_equal(saved, expected), f"{name}: {saved[:3]} != {expected[:3]}"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.channels, options.points, options.repeats)
    if options.json:
        print(json.dumps(asdict(result)))
        return
    print(f"{result.channels} channels x {result.points} single points, median of {result.repeats}")
    rows = (
        ("CPU us per channel event", f"{result.writer_cpu_us:.2f}", f"{result.drain_cpu_us:.2f}"),
        (
            "channel events per s",
            f"{result.writer_events_per_s:,.0f}",
            f"{result.drain_events_per_s:,.0f}",
        ),
        ("END_SCAN to closed file, ms", f"{result.end_to_closed_ms:.1f}", ""),
    )
    print(f"  {'':<28}{'writer':>12}{'bare drain':>12}")
    for row in rows:
        print("  {:<28}{:>12}{:>12}".format(*row))


if __name__ == "__main__":
    main()
