"""What a RedisPublisher takes: points a second that go from streams into Redis, and processor time for each.

    python benchmarks/publisher.py [--seconds S] [--json]

Streams come by tcp from a process of their own, Redis is a third one. "Full speed": the sender is blocked
by the publisher, as fast as that goes. "As in the soak": 16 streams of 1,000 points/s.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from nexus_writer.acquisition import OutputStream
from nexus_writer.acquisition.publishing import End, Pace, RedisPublisher
from nexus_writer.data import EmbeddedRedis


@dataclass(frozen=True, slots=True)
class Case:
    """``streams`` of chunks of ``samples`` x ``columns`` float64; ``rate_hz`` each, None: full speed."""

    name: str
    streams: int
    samples: int
    columns: int
    rate_hz: float | None = None


CASES = (
    Case("full speed, chunks of 1 point", 1, 1, 1),
    Case("full speed, chunks of 100 points", 1, 100, 1),
    Case("full speed, 16 streams, chunks of 20 points", 16, 20, 1),
    Case("full speed, spectra of 1024", 1, 20, 1024),
    Case("as in the soak", 16, 20, 1, 1000.0),
)


@dataclass(frozen=True, slots=True)
class Result:
    """``points_per_s`` of all channels; ``cpu`` is that of the publisher's process, of one processor."""

    case: str
    points_per_s: float
    mb_per_s: float
    cpu: float
    cpu_us_per_point: float


def send(line: Connection, case: Case, seconds: float) -> None:
    """The process of the streams."""
    params: dict[str, Any] = {"shape": (-1, case.columns), "dtype": "float64", "spectrum": case.columns > 1}
    outputs = [OutputStream() for _ in range(case.streams)]
    for output in outputs:
        output.configure(**params)
    line.send([output.params for output in outputs])
    line.recv()
    chunk = np.random.default_rng(1).random((case.samples, case.columns))
    began_s = time.monotonic()
    while (now_s := time.monotonic()) < began_s + seconds:
        if case.rate_hz is not None:
            due_s = began_s + outputs[0].last_index / case.rate_hz
            time.sleep(max(0.0, due_s - now_s))
        for output in outputs:
            output.send(chunk)
    line.send(outputs[0].last_index)
    line.recv()
    for output in outputs:
        output.close()


def measure(case: Case, seconds: float) -> Result:
    line, other = multiprocessing.Pipe()
    sender = multiprocessing.get_context("spawn").Process(target=send, args=(other, case, seconds))
    names = [f"det{number}" for number in range(case.streams)]
    with EmbeddedRedis() as redis, tempfile.TemporaryDirectory() as directory:
        sender.start()
        node = RedisPublisher()
        node.configure(
            streams=names,
            session="bench",
            directory=directory,
            redis_url=redis.url,
            pace=Pace(on_lag="warn"),
            stream_max_entries=64,
        )
        for name, params in zip(names, line.recv(), strict=True):
            node.inputs[name].connect(params)
        node.initialize()
        node.start()
        began_s, cpu_s = time.monotonic(), time.process_time()
        line.send("go")
        count = line.recv()
        node.end_with(End(counts=dict.fromkeys(names, count), within_s=60))
        node.stop()
        took_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        assert all(one["samples"] == count for one in node.report.values())
        line.send("end")
        sender.join()
        node.close()
    points = count * case.streams
    nbytes = points * case.columns * 8
    return Result(case.name, points / took_s, nbytes / took_s / 1e6, cpu_s / took_s, cpu_s / points * 1e6)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each case")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [measure(case, options.seconds) for case in CASES]
    if options.json:
        print(json.dumps([asdict(one) for one in results]))
        return
    for one in results:
        print(
            f"{one.case:45s} {one.points_per_s:12,.0f} points/s {one.mb_per_s:8.1f} MB/s "
            f"{one.cpu:6.0%} of a processor {one.cpu_us_per_point:8.3f} us a point"
        )


if __name__ == "__main__":
    main()
