"""Speed of messages to a process and back, next to a bare multiprocessing pipe between two processes.

The bare pipe sends what the message carries: the bytes alone, pickled, in a loop of send and recv. A
MessageProcess sends a command with its arguments, finds the method, and sends a message back. All kinds take
turns within one run, so that what else the machine does hits them alike; a ratio is the median of the ratios
of the turns. "start": until the first reply of a forked backend; "SyncIndex": a wait for its event.

A wake-up of another core takes longer than all that a message of 64 bytes costs otherwise (35 us of 50, on a
virtual machine), and the scheduler moves one pair of processes to one core and the next to two. So both
processes of each pair are held on one core, or each on its own: then all pairs have the same wake-ups.

    python benchmarks/messages.py [--json] [--repeats N] [--cores {1,2}] [--check]

``--check``: exit code 1 unless the round trip of 64 bytes and that of 1 MB take a MessageProcess at most 1.2
times as long as the bare pipe, and the asyncio variant at most twice as long as the plain one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from nexus_writer.process import (
    AsyncBackMessageProcess,
    EventGroup,
    MessageObject,
    MessageProcess,
    SyncIndex,
)

ROUNDS = {64: 1500, 1024: 1500, 65536: 300, 1 << 20: 40}
LIMIT_TO_RAW = 1.2
LIMIT_ASYNC_TO_PLAIN = 2.0
CHECKED = (64, 1 << 20)
STARTS = 5
RAW, PLAIN, ASYNC = "raw pipe", "MessageProcess", "AsyncBackMessageProcess"


class Echo(MessageProcess):
    """Sends back what it gets; sets events."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.events = EventGroup(1)

    def c__echo(self, data: bytes) -> None:
        self.send_out__(MessageObject("echo", data=data))

    def c__set(self, index: int) -> None:
        self.events.set(index)


class AsyncEcho(AsyncBackMessageProcess):
    """The same in asyncio."""

    async def c__echo(self, data: bytes) -> None:
        await self.send_out__(MessageObject("echo", data=data))


@dataclass(frozen=True, slots=True)
class Result:
    """``value`` in ``unit``, median of the turns; ``ratio`` to the case named in ``to``."""

    case: str
    value: float
    unit: str
    ratio: float | None = None
    to: str | None = None


def hold(process: BaseProcess, core: int) -> None:
    assert process.pid is not None
    os.sched_setaffinity(process.pid, {core})


@contextmanager
def held_cores(count: int) -> Iterator[int]:
    """This process on one core; the core for its partners, the same unless ``count`` is 2."""
    allowed = os.sched_getaffinity(0)
    near, *others = sorted(allowed)
    if count > len(allowed):
        sys.exit(f"--cores {count}: this process may use {len(allowed)} only")
    os.sched_setaffinity(0, {near})
    try:
        yield others[0] if count > 1 else near
    finally:
        os.sched_setaffinity(0, allowed)


def raw_echo(connection: Connection) -> None:
    while True:
        try:
            connection.send(connection.recv())
        except EOFError:
            return


@contextmanager
def raw_round_trip(core: int) -> Iterator[Callable[[bytes], None]]:
    near, far = multiprocessing.Pipe()
    process = multiprocessing.Process(target=raw_echo, args=(far,))
    process.start()
    hold(process, core)
    far.close()

    def round_trip(data: bytes) -> None:
        near.send(data)
        near.recv()

    yield round_trip
    process.terminate()
    process.join()
    near.close()


@contextmanager
def message_round_trip(kind: type[MessageProcess], core: int) -> Iterator[Callable[[bytes], None]]:
    process = kind("echo")
    process.start(wait=True)
    hold(process, core)
    pipe = process.getPipe()

    def round_trip(data: bytes) -> None:
        process.sendMessageToBack(MessageObject("echo", data=data))
        pipe.recv()

    yield round_trip
    process.stop()


def median_us(round_trip: Callable[[bytes], None], data: bytes, rounds: int) -> float:
    taken_s = []
    for _ in range(rounds):
        begun_s = time.perf_counter()
        round_trip(data)
        taken_s.append(time.perf_counter() - begun_s)
    return statistics.median(taken_s) * 1e6


def round_trips(
    repeats: int, sizes: dict[int, int] = ROUNDS, cores: int = 1
) -> dict[int, list[dict[str, float]]]:
    """For each size the medians in us of each turn, by kind."""
    found: dict[int, list[dict[str, float]]] = {}
    with (
        held_cores(cores) as partner,
        raw_round_trip(partner) as raw,
        message_round_trip(Echo, partner) as plain,
        message_round_trip(AsyncEcho, partner) as in_asyncio,
    ):
        kinds = {RAW: raw, PLAIN: plain, ASYNC: in_asyncio}
        for size, rounds in sizes.items():
            data = bytes(size)
            for round_trip in kinds.values():
                median_us(round_trip, data, rounds // 10)
            found[size] = [
                {kind: median_us(round_trip, data, rounds) for kind, round_trip in kinds.items()}
                for _ in range(repeats)
            ]
    return found


def ratio(turns: list[dict[str, float]], kind: str, to: str) -> float:
    return statistics.median(turn[kind] / turn[to] for turn in turns)


def too_slow(trips: dict[int, list[dict[str, float]]]) -> list[str]:
    """The limits that were not kept."""
    wrong = []
    for kind, to, limit in (PLAIN, RAW, LIMIT_TO_RAW), (ASYNC, PLAIN, LIMIT_ASYNC_TO_PLAIN):
        for size in CHECKED:
            found = ratio(trips[size], kind, to)
            if found > limit:
                wrong.append(f"{kind}, {size} bytes: {found:.2f} x {to}, more than {limit}")
    return wrong


def round_trip_results(trips: dict[int, list[dict[str, float]]]) -> Iterator[Result]:
    for size, turns in trips.items():
        for kind, to in (RAW, None), (PLAIN, RAW), (ASYNC, PLAIN):
            median = statistics.median(turn[kind] for turn in turns)
            found = None if to is None else ratio(turns, kind, to)
            yield Result(f"{kind}, {size} bytes and back", median, "us", found, to)


def sync_us() -> float:
    process = Echo("sync")
    process.start(wait=True)

    def ask(_: bytes) -> None:
        with SyncIndex(process.events) as index:
            process.sendMessageToBack(MessageObject("set", index=index))

    taken = median_us(ask, b"", 1000)
    process.stop()
    return taken


def start_and_stop_ms(kind: type[MessageProcess]) -> tuple[float, float]:
    starts_s, stops_s = [], []
    for _ in range(STARTS):
        begun_s = time.perf_counter()
        process = kind("short")
        process.start()
        process.sendPing([])
        process.getPipe().recv()
        replied_s = time.perf_counter()
        process.stop()
        starts_s.append(replied_s - begun_s)
        stops_s.append(time.perf_counter() - replied_s)
    return statistics.median(starts_s) * 1e3, statistics.median(stops_s) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--check", action="store_true", help="exit code 1 if a limit is not kept")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cores", type=int, choices=(1, 2), default=1, help="for the two processes (1)")
    options = parser.parse_args()
    trips = round_trips(options.repeats, cores=options.cores)
    results = [*round_trip_results(trips), Result("SyncIndex", sync_us(), "us")]
    for kind in Echo, AsyncEcho:
        start_ms, stop_ms = start_and_stop_ms(kind)
        name = kind.__bases__[0].__name__
        results += [Result(f"{name}, start", start_ms, "ms"), Result(f"{name}, stop", stop_ms, "ms")]
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
    else:
        for result in results:
            beside = f"{result.ratio:6.2f} x {result.to}" if result.ratio is not None else ""
            print(f"{result.case:48} {result.value:9.1f} {result.unit:3} {beside}")
    wrong = too_slow(trips) if options.check else []
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
