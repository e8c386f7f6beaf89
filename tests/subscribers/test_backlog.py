"""A scan that has ended before its writer begins: replies with many entries of each channel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.data.point_runs import PointRun
from nexus_writer.data.publishing import ScanSpec, timer
from nexus_writer.subscribers import NexusSessionWriter
from nexus_writer.subscribers.pending_points import PendingPoints
from tests.session_scans import COUNTERS, reading, saved

from .conftest import SESSION

SINGLE, BLOCKS, BLOCK = 2500, 300, 7
POINTS = 2 * SINGLE + BLOCKS * BLOCK


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[PointRun]:
    """Those that any writer has received."""
    found: list[PointRun] = []
    add_run = PendingPoints.add_run

    def noted(self: PendingPoints, key: str, run: PointRun) -> None:
        found.append(run)
        add_run(self, key, run)

    monkeypatch.setattr(PendingPoints, "add_run", noted)
    return found


def test_points_that_come_as_runs_and_as_entries(
    writer_with: Callable[..., NexusSessionWriter], redis_client: redis.Redis, tmp_path: Path, runs: list[Any]
) -> None:
    """Single points, then blocks of them, then single ones again; all before the writer begins."""
    sample = SessionPublisher(redis_client, SESSION, stream_max_entries=None).dataset(tmp_path, "hg123", "s")
    scan = sample.scan(ScanSpec("loopscan", (timer(COUNTERS),), title="loopscan", npoints=POINTS))
    scan.prepare()
    for name in ("ctl:diode", "ctl:flag"):
        values = np.arange(POINTS)
        for index in range(SINGLE):
            scan[name].publish(values[index])
        for start in range(SINGLE, SINGLE + BLOCKS * BLOCK, BLOCK):
            scan[name].publish(values[start : start + BLOCK])
        for index in range(SINGLE + BLOCKS * BLOCK, POINTS):
            scan[name].publish(values[index])
        scan.flush()
    scan.end()
    saved(writer_with(), scan.key)
    assert sum(len(run.values) for run in runs) > POINTS
    with reading(Path(scan.filename)) as file:
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"
        assert np.array_equal(file["1.1/measurement/diode"][()], np.arange(float(POINTS)))
        assert np.array_equal(file["1.1/measurement/flag"][()], np.arange(POINTS))
