"""Points per second of a walk over a backlog of single points: in this process, and in one of its own.

The server is a real one on the same host; it, the walk and the caller share the cores. The ways take turns;
the ratio is the median of the ratios of the turns. The start of the other process is not counted: it is done
when the first event has come.

    python benchmarks/remote_walk.py [--json] [--repeats N] [--points N] [--check]

``--check``: exit code 1 unless the walk in its own process has at least half the rate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import redis

from benchmarks._load import publish_backlog
from nexus_writer.data import EmbeddedRedis, EventType, RemoteNodeWalker, get_session_node

CHANNELS = 50
LEAST_RATIO = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """Medians; ``ratio`` of the second rate to the first."""

    points: int
    in_process_per_s: float
    remote_per_s: float
    ratio: float


def points_per_s(walk: Iterable[Any]) -> float:
    """From the first event, which is that of a node, to the last."""
    points = 0
    begun_s = None
    for event in walk:
        begun_s = begun_s or time.perf_counter()
        if event.type is EventType.NEW_DATA:
            points += event.data.block_size
    return points / (time.perf_counter() - (begun_s or 0.0))


def measured(client: redis.Redis, url: str, points: int, repeats: int) -> Result:
    load = publish_backlog(client, "/data", channels=CHANNELS, points=points)
    session = get_session_node("load", client)
    walker = RemoteNodeWalker(db_name="load", redis_url=url)
    turns = [
        (points_per_s(session.walk_events(wait=False)), points_per_s(walker.walk_events(wait=False)))
        for _ in range(repeats)
    ]
    here, there = ([turn[way] for turn in turns] for way in (0, 1))
    ratio = statistics.median(turn[1] / turn[0] for turn in turns)
    return Result(load.events, statistics.median(here), statistics.median(there), ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 if the limit is not kept")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--points", type=int, default=5000, help="of each channel")
    options = parser.parse_args()
    with EmbeddedRedis() as server, server.client() as client:
        result = measured(client, server.url, options.points, options.repeats)
    if options.json:
        print(json.dumps(asdict(result), indent=1))
    else:
        print(f"{result.points} points of {CHANNELS} channels")
        print(f"in this process       {result.in_process_per_s / 1e3:8.0f} k points/s")
        print(f"in one of its own     {result.remote_per_s / 1e3:8.0f} k points/s   {result.ratio:.2f} x")
    if options.check and result.ratio < LEAST_RATIO:
        print(f"less than {LEAST_RATIO} x", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
