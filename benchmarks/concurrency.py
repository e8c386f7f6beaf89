"""Speed of the primitives that greenlets of several hubs share, next to the interpreter's own.

Latency: from ``send`` in a native thread to the function or greenlet in the main hub, one at a time.
Queue: from a greenlet of the main hub to one in another thread; items, or batches of 64 of them.
Lock: two greenlets in each of two hubs want it all the time, and hold it for nothing, or for 1 ms without
running their hub (a write to a file). "gap": how long the main hub did not run meanwhile, at most.
The interpreter's own objects block the whole thread: they are the limit, not an alternative.

    python benchmarks/concurrency.py [--json] [--repeats N]
"""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import gevent

from nexus_writer.concurrency import Event, HubTrigger, Lock, Queue, Thread

WAKE_UPS = 1000
PAUSE_S = 2e-4
ITEMS = 500_000
BATCH = 64
LOCK_DURATION_S = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """``value`` in ``unit``: median of the repeats. ``worst``: p99 (latency) or longest gap (lock)."""

    case: str
    value: float
    unit: str
    worst: float | None = None


@contextmanager
def running_thread() -> Iterator[Thread]:
    thread = Thread(name="benchmark")
    thread.start()
    try:
        yield thread
    finally:
        thread.stop()


def latency_us(begin: Callable[[Callable[[], Any]], Callable[[], Any]]) -> tuple[float, float]:
    """Median and p99 of the time from ``send`` to ``arrived``; ``begin(arrived)`` returns ``send``."""
    taken_s: list[float] = []
    sent_s = 0.0
    arrived_one = threading.Event()

    def arrived() -> None:
        taken_s.append(time.perf_counter() - sent_s)
        arrived_one.set()

    send = begin(arrived)

    def sender() -> None:
        nonlocal sent_s
        for _ in range(WAKE_UPS):
            time.sleep(PAUSE_S)
            arrived_one.clear()
            sent_s = time.perf_counter()
            send()
            arrived_one.wait()

    thread = threading.Thread(target=sender)
    thread.start()
    while thread.is_alive():
        gevent.sleep(0.05)
    quantiles = statistics.quantiles(taken_s, n=100)
    return statistics.median(taken_s) * 1e6, quantiles[98] * 1e6


def waiting(event: Any, spawn: Callable[..., Any], arrived: Callable[[], Any]) -> Callable[[], Any]:
    def wait() -> None:
        for _ in range(WAKE_UPS):
            event.wait()
            event.clear()
            arrived()

    spawn(wait)
    return event.set  # type: ignore[no-any-return]


def native_thread(func: Callable[[], Any]) -> None:
    threading.Thread(target=func, daemon=True).start()


def apply_us() -> tuple[float, float]:
    """Median and p99 of a call in another thread and back."""
    taken_s = []
    with running_thread() as thread:
        for _ in range(WAKE_UPS):
            begun_s = time.perf_counter()
            thread.apply(int)
            taken_s.append(time.perf_counter() - begun_s)
    return statistics.median(taken_s) * 1e6, statistics.quantiles(taken_s, n=100)[98] * 1e6


def queue_items_per_s(items: int, put: Callable[[Any], Any], take: Callable[[], int], item: Any) -> float:
    """``take`` returns how many puts it took, in another thread."""
    per_put = len(item) if isinstance(item, list) else 1
    puts = items // per_put

    def consume() -> None:
        taken = 0
        while taken < puts:
            taken += take()

    with running_thread() as thread:
        begun_s = time.perf_counter()
        call = thread.spawn(consume)
        for _ in range(puts):
            put(item)
        call.get()
        return puts * per_put / (time.perf_counter() - begun_s)


def queue_results() -> Iterator[tuple[str, float]]:
    ours: Queue[Any] = Queue()
    yield "queue: get_all", queue_items_per_s(ITEMS, ours.put, lambda: len(ours.get_all()), 1)
    yield "queue: get", queue_items_per_s(ITEMS, ours.put, lambda: ours.get() or 1, 0)
    batch = list(range(BATCH))
    yield "queue: batches of 64", queue_items_per_s(8 * ITEMS, ours.put, lambda: len(ours.get_all()), batch)
    bounded: Queue[Any] = Queue(maxsize=8)
    yield (
        "queue: batches of 64, 8 places",
        queue_items_per_s(ITEMS, bounded.put, lambda: len(bounded.get_all()), batch),
    )
    native: queue.SimpleQueue[int] = queue.SimpleQueue()
    yield "queue.SimpleQueue", queue_items_per_s(ITEMS, native.put, lambda: native.get() or 1, 0)


def lock_per_s(lock: Any, hold_s: float) -> tuple[float, float]:
    """Acquires per s of all four greenlets; longest time in ms for which the main hub did not run."""
    counts = [0] * 4
    gaps_s: list[float] = []
    end_s = time.perf_counter() + LOCK_DURATION_S

    def contend(number: int) -> None:
        while time.perf_counter() < end_s:
            with lock:
                counts[number] += 1
                if hold_s:
                    time.sleep(hold_s)
            if not counts[number] % 100:
                gevent.sleep(0)

    def measure_gaps() -> None:
        before_s = time.perf_counter()
        while before_s < end_s:
            gevent.sleep(1e-3)
            now_s = time.perf_counter()
            gaps_s.append(now_s - before_s - 1e-3)
            before_s = now_s

    with running_thread() as thread:
        greenlets = [gevent.spawn(measure_gaps), *(gevent.spawn(contend, number) for number in (0, 1))]
        calls = [thread.spawn(contend, number) for number in (2, 3)]
        gevent.joinall(greenlets)
        for call in calls:
            call.get()
    return sum(counts) / LOCK_DURATION_S, max(gaps_s) * 1e3


def measure_all() -> Iterator[Result]:
    trigger_in_hub = partial(HubTrigger, blocking=True)
    latencies: list[tuple[str, Callable[[], tuple[float, float]]]] = [
        ("HubTrigger, in the hub", lambda: latency_us(lambda arrived: trigger_in_hub(arrived).send)),
        ("HubTrigger, in a greenlet", lambda: latency_us(lambda arrived: HubTrigger(arrived).send)),
        ("Event, greenlet waits", lambda: latency_us(partial(waiting, Event(), gevent.spawn))),
        ("Event, plain thread waits", lambda: latency_us(partial(waiting, Event(), native_thread))),
        ("threading.Event", lambda: latency_us(partial(waiting, threading.Event(), native_thread))),
        ("Thread.apply and back", apply_us),
    ]
    for case, measure in latencies:
        median_us, p99_us = measure()
        yield Result(case, median_us, "us", p99_us)
    for case, items_per_s in queue_results():
        yield Result(case, items_per_s / 1e6, "M items/s")
    for name, kind in ("Lock", Lock), ("threading.Lock", threading.Lock):
        for hold_s in 0.0, 1e-3:
            per_s, gap_ms = lock_per_s(kind(), hold_s)
            yield Result(f"{name}, held {hold_s * 1e3:.0f} ms", per_s / 1e3, "k acquires/s", gap_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    repeats = [list(measure_all()) for _ in range(options.repeats)]
    results = [
        Result(
            same[0].case,
            statistics.median(result.value for result in same),
            same[0].unit,
            None if same[0].worst is None else statistics.median(result.worst for result in same),
        )
        for same in zip(*repeats, strict=True)
    ]
    if options.json:
        print(json.dumps([asdict(result) for result in results], indent=1))
        return
    for result in results:
        worst = ""
        if result.worst is not None:
            worst = f"{'p99' if result.unit == 'us' else 'gap'} {result.worst:8.1f} "
            worst += "us" if result.unit == "us" else "ms"
        print(f"{result.case:32} {result.value:9.2f} {result.unit:13} {worst}")


if __name__ == "__main__":
    main()
