"""Node groups: what a call of a remote node takes, how long a group takes to begin, to be missed, and to end.

    python benchmarks/nodes.py [--json] [--repeats N] [--check]

``--check``: exit code 1 unless a death is told within 1 s, and 5 groups of 4 running nodes end within 5 s.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from nexus_writer.acquisition import NodeGroupDied, create_manager

CALLS = 2000
LIMIT_DEATH_S = 1.0
LIMIT_CLOSE_S = 5.0
DETECTORS = "nexus_writer.acquisition.detectors"


@dataclass(frozen=True, slots=True)
class Result:
    """Median and worst of the repeats; of calls, median and 99th percentile."""

    case: str
    median: float
    worst: float
    unit: str


def seconds(act: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def result(case: str, times_s: list[float], per_unit: float, unit: str) -> Result:
    ordered = sorted(times_s)
    worst = ordered[int(0.99 * len(ordered))]
    return Result(case, statistics.median(ordered) * per_unit, worst * per_unit, unit)


def counter(group: Any) -> Any:
    group.register_node_type_from_module(DETECTORS, "CounterDetector")
    node = group.create_node("CounterDetector")
    node.configure(rate_hz=100)
    node.output.configure(protocol="ipc")
    node.initialize()
    return node


def calls(mode: str, count: int) -> Result:
    manager = create_manager(mode)
    node = counter(manager.create_nodegroup())
    times = [seconds(node.running) for _ in range(count)]
    manager.close()
    return result(f"a call, manager {mode}", times, 1e6, "us")


def starts(repeats: int) -> Result:
    manager = create_manager("local")
    times = [seconds(manager.create_nodegroup) for _ in range(repeats)]
    manager.close()
    return result("a group is made", times, 1e3, "ms")


def deaths(repeats: int) -> Result:
    manager = create_manager("rpc")
    times = []
    with ThreadPoolExecutor(1) as thread:
        for _ in range(repeats):
            group = manager.create_nodegroup()
            node, pid = counter(group), group.pid()
            node.start()
            pending = thread.submit(node.wait, 25)
            time.sleep(0.2)
            os.kill(pid, signal.SIGKILL)
            killed = time.perf_counter()
            if isinstance(pending.exception(), NodeGroupDied):
                times.append(time.perf_counter() - killed)
    manager.close()
    return result("a death is told", times, 1e3, "ms")


def closes(repeats: int) -> Result:
    times = []
    for _ in range(repeats):
        manager = create_manager("rpc")
        groups = [manager.create_nodegroup() for _ in range(5)]
        for group in groups:
            for _ in range(4):
                counter(group)
            group.start_all_nodes()
        times.append(seconds(manager.close))
    return result("5 groups of 4 nodes are closed", times, 1e3, "ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    logging.getLogger("nexus_writer").setLevel(logging.CRITICAL)  # deaths are meant
    results = [calls("local", CALLS), calls("rpc", CALLS), starts(options.repeats)]
    results += [deaths(options.repeats), closes(options.repeats)]
    if options.json:
        print(json.dumps([asdict(one) for one in results]))
    else:
        for one in results:
            print(f"{one.case:32} {one.median:9.1f} {one.unit}, worst {one.worst:9.1f} {one.unit}")
    death, close = results[-2:]
    good = death.worst < 1e3 * LIMIT_DEATH_S and close.worst < 1e3 * LIMIT_CLOSE_S
    return 0 if good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
