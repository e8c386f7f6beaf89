"""The simulated beamline of the demo: it publishes scans into Redis at the pace of real ones.

Its five parts take about 11 s: a loopscan, an ascan, a mesh, a scan of spectra, and two scans at once.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from nexus_writer.data.connection import connect
from nexus_writer.data.publishing import DatasetPublisher, ScanPublisher, SessionPublisher

from .plans import Plan, scans_of
from .sample import Beamline

WaitForWriter = Callable[[str, str], None]
"""Called with a scan's name and key when it is announced; the scan goes on when it returns."""

FLUSH_PERIOD_S = 0.1


def run_beamline(
    redis_url: str,
    session_name: str,
    data_root: Path,
    *,
    speed: float = 1.0,
    wait_for_writer: WaitForWriter | None = None,
) -> None:
    """Publish all scans, into one dataset below ``data_root``.

    ``speed`` 2 takes half of the time, 0 no longer than it must. Raises RedisUnreachable, and whatever
    ``wait_for_writer`` raises; a scan that is interrupted is ended properly.
    """
    with connect(redis_url) as client:
        session = SessionPublisher(client, session_name)
        dataset = session.dataset(data_root / "visitor", "hg123", "iron", metadata={"Sample_name": "iron"})
        for plans in scans_of(Beamline()):
            play(dataset, plans, speed=speed, wait_for_writer=wait_for_writer)
        dataset.close()


def play(
    dataset: DatasetPublisher,
    plans: Sequence[Plan],
    *,
    speed: float = 1.0,
    wait_for_writer: WaitForWriter | None = None,
) -> None:
    """Run scans at once, each at its own pace, from announcement to end."""
    with ExitStack() as running:
        scans = [running.enter_context(dataset.scan(plan.spec)) for plan in plans]
        for scan in scans:
            if wait_for_writer is not None:
                wait_for_writer(scan.name, scan.key)
            scan.prepare()
        _measure(plans, scans, speed)


def _measure(plans: Sequence[Plan], scans: Sequence[ScanPublisher], speed: float) -> None:
    slowdown = 1.0 / speed if speed > 0 else 0.0
    started_s = flushed_s = time.monotonic()
    due = [(plan.period_s, number, 0) for number, plan in enumerate(plans)]
    while due:
        due_s, number, point = heapq.heappop(due)
        plan, scan = plans[number], scans[number]
        time.sleep(max(0.0, started_s + due_s * slowdown - time.monotonic()))
        values = {"timer:elapsed_time": due_s, "timer:epoch": time.time(), **plan.measure(point)}
        for channel, value in values.items():
            scan[channel].publish(value)
        last = point + 1 == plan.spec.npoints
        if last:
            scan.end()
        else:
            heapq.heappush(due, (due_s + plan.period_s, number, point + 1))
        if time.monotonic() > flushed_s + FLUSH_PERIOD_S:
            flushed_s = time.monotonic()
            for one in scans:
                one.flush()
