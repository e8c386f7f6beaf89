"""Walks over the backlog of a scan: in this process, in one of its own, and by blissdata 0.3.1.

Each of 100 float64 channels has its points one by one, or in blocks of 100, byte for byte as BLISS publishes
them. The server is a real one on the same host; it, the walk and the caller share the cores. The ways take
turns; figures are medians of the turns, ratios medians of the ratios of the turns. A turn goes from the first
event, which is that of a node, to the end of the scan; after it all values are compared with those that were
published. CPU is that of the readers: for a walk in a process of its own that process and the caller.

    python benchmarks/walk.py [--json] [--check] [--repeats N] [--points N] [--blocks N] [--blissdata PYTHON]

blissdata has an environment of its own, which ``make test-blissdata`` makes; without it the rest is
measured. ``--check``: exit code 1 unless a walk has 8 times the rate of blissdata for single points, 3 times
for blocks, and that in a process of its own half the rate of one in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import redis

from benchmarks._load import LoadScan
from nexus_writer.data import EmbeddedRedis, EventType, RemoteNodeWalker, get_session_node

CHANNELS = 100
POINTS_PER_BLOCK = 100
BLISSDATA_WALK = Path(__file__).with_name("_blissdata_walk.py")
BLISSDATA_PYTHON = Path(__file__).parent.parent / ".venv-blissdata" / "bin" / "python"
HERE, REMOTE, BLISSDATA = "in this process", "in one of its own", "blissdata 0.3.1"
SESSION = "walked"
SINGLE, BLOCKS = "single points", "blocks of 100"
LEAST_TO_BLISSDATA = {SINGLE: 8.0, BLOCKS: 3.0}
LEAST_REMOTE = 0.5


@dataclass(frozen=True, slots=True)
class Turn:
    """One walk over the whole backlog."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """``to_blissdata`` and ``to_here`` are ratios of rates; None where there is nothing to compare with."""

    traffic: str
    way: str
    points: int
    points_per_s: float
    cpu_us_per_point: float
    to_blissdata: float | None
    to_here: float | None


def readers_cpu_s() -> float:
    """Seconds of CPU time that this process has used, and the walks in processes of their own."""
    pids = [os.getpid(), *(process.pid for process in multiprocessing.active_children())]
    tasks = [task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir()]
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def turn(walk: Any, load: LoadScan) -> Turn:
    """One walk until the scan has ended. Raises AssertionError where a value is not what was published."""
    found = []
    begun_s = used_s = 0.0
    with walk:
        for event in walk:
            if not begun_s:
                begun_s, used_s = time.perf_counter(), readers_cpu_s()
            if event.type is EventType.NEW_DATA:
                found.append((event.node.db_name, event.data.first_index, event.data.data))
            elif event.type is EventType.END_SCAN:
                break
        taken = Turn(time.perf_counter() - begun_s, readers_cpu_s() - used_s)
    numbers = {channel.key: number for number, channel in enumerate(load.scan.channels.values())}
    read = dict.fromkeys(numbers, 0)
    for key, first, values in found:
        assert first == read[key], f"{key}: {read[key]} points, then one from {first} on"
        assert np.array_equal(values, load.value(numbers[key], 0) + np.arange(first, first + len(values))), (
            key
        )
        read[key] += len(values)
    assert set(read.values()) == {load.published}, "points are missing"
    return taken


def here(session: str, url: str, load: LoadScan) -> Turn:
    with redis.Redis.from_url(url, protocol=2) as client:
        return turn(get_session_node(session, client).walk_events(), load)


def remote(session: str, url: str, load: LoadScan) -> Turn:
    return turn(RemoteNodeWalker(db_name=session, redis_url=url).walk_events(), load)


def why_not(python: Path) -> str:
    """What keeps that program from being a Python that has blissdata, in a line; "" when it is one."""
    command = [str(python.absolute()), "-c", "import blissdata; print('blissdata')"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=without_python(), cwd="/", timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.stdout == "blissdata\n":
        return ""
    return (done.stderr.strip().splitlines() or [f"it ends with exit code {done.returncode}"])[-1]


def without_python() -> dict[str, str]:
    """The environment of another Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


@contextlib.contextmanager
def blissdata(python: Path, session: str, url: str, load: LoadScan) -> Iterator[Callable[[], Turn]]:
    """What makes blissdata walk; its process stays for the time of the block."""
    command = [str(python.absolute()), str(BLISSDATA_WALK), urlsplit(url).netloc, session]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=without_python(), cwd="/"
    ) as process:
        assert process.stdin is not None and process.stdout is not None

        def ask(line: object) -> None:
            print(json.dumps(line), file=process.stdin, flush=True)

        def walk() -> Turn:
            ask(load.published)
            answer = process.stdout.readline()
            if not answer:
                raise SystemExit("blissdata has ended, or read something else than was published")
            return Turn(**json.loads(answer))

        ask([channel.key for channel in load.scan.channels.values()])
        yield walk
        process.stdin.close()


def measured(traffic: str, url: str, load: LoadScan, python: Path, repeats: int) -> list[Result]:
    """All ways in turns, over the only scan of the session."""
    with contextlib.ExitStack() as stack:
        ways: dict[str, Callable[[], Turn]] = {
            HERE: partial(here, SESSION, url, load),
            REMOTE: partial(remote, SESSION, url, load),
        }
        if python.exists():
            ways[BLISSDATA] = stack.enter_context(blissdata(python, SESSION, url, load))
        turns = [{way: walk() for way, walk in ways.items()} for _ in range(repeats)]
    points = load.events
    return [
        Result(
            traffic,
            way,
            points,
            points / statistics.median(one[way].wall_s for one in turns),
            statistics.median(one[way].cpu_s for one in turns) / points * 1e6,
            ratio(turns, way, BLISSDATA),
            ratio(turns, way, HERE),
        )
        for way in ways
    ]


def ratio(turns: list[dict[str, Turn]], way: str, to: str) -> float | None:
    """Median of how many times as fast ``way`` is as ``to``; None where ``to`` is the same, or missing."""
    if way == to or to not in turns[0]:
        return None
    return statistics.median(one[to].wall_s / one[way].wall_s for one in turns)


def missed(results: list[Result]) -> Iterator[str]:
    """The limits that are not kept, in words."""
    for one in results:
        least = LEAST_TO_BLISSDATA[one.traffic]
        if one.way == HERE and one.to_blissdata is not None and one.to_blissdata < least:
            yield f"{one.traffic}: {one.to_blissdata:.1f} times the rate of blissdata, not {least:g}"
        if one.way == REMOTE and one.to_here is not None and one.to_here < LEAST_REMOTE:
            yield f"{one.traffic}: {one.to_here:.2f} times the rate of this process, not {LEAST_REMOTE}"


def line(result: Result) -> str:
    ratios = [
        f"{value:6.2f} x {to}"
        for value, to in ((result.to_blissdata, BLISSDATA), (result.to_here, HERE))
        if value is not None
    ]
    rate, cpu_us = result.points_per_s / 1e3, result.cpu_us_per_point
    figures = f"{rate:9.0f} k points/s {cpu_us:8.3f} us of CPU"
    return f"{result.traffic:14} {result.way:16} {figures} {' '.join(ratios)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a limit is not kept")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--points", type=int, default=1000, help="single points of each channel")
    parser.add_argument("--blocks", type=int, default=100, help="blocks of each channel")
    parser.add_argument("--blissdata", type=Path, default=BLISSDATA_PYTHON, metavar="PYTHON")
    options = parser.parse_args()
    if not options.blissdata.exists():
        text = (
            f"no blissdata 0.3.1 at {options.blissdata}: 'make test-blissdata' makes it; the rest is measured"
        )
        print(text, file=sys.stderr)
    elif why := why_not(options.blissdata):
        parser.error(f"--blissdata {options.blissdata} is no Python with blissdata 0.3.1: {why}")
    results = []
    with EmbeddedRedis() as server, server.client() as client:
        for traffic in LEAST_TO_BLISSDATA:
            client.flushdb()
            load = LoadScan(client, "/data", session=SESSION, channels=CHANNELS)
            if traffic == SINGLE:
                load.publish(options.points)
            else:
                load.publish_blocks(options.blocks, POINTS_PER_BLOCK)
            load.end()
            results += measured(traffic, server.url, load, options.blissdata, options.repeats)
    print(
        json.dumps([asdict(one) for one in results], indent=1)
        if options.json
        else "\n".join(map(line, results))
    )
    failures = list(missed(results)) if options.check else []
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
