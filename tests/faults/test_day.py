"""A beamline's day in minutes: short scans, one behind the other, in three sessions of one server."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gevent
import pytest
import redis

from nexus_writer.data import SessionPublisher
from nexus_writer.subscribers import NexusSessionWriter, read_options
from tests.faults.kept import Beamline, assert_complete
from tests.serve_process import entry_is_final
from tests.session_scans import run_scan, until
from tests.tango_server.servers import Database, serving, wait_until
from tests.tango_server.test_service import register

pytestmark = pytest.mark.fault("a beamline's day compressed: short scans in 3 sessions")
SESSIONS = ("day_a", "day_b", "day_c")
PURGE_AFTER_S = 1
OPTIONS = {
    "NEXUS_WRITER_PURGE_AFTER_S": str(PURGE_AFTER_S),
    "NEXUS_WRITER_REQUIRED_DISK_SPACE": "0",
    "NEXUS_WRITER_FLUSH_PERIOD_S": "0.05",
}
A_DATASET = 10
"""Scans in one file."""
SPARE = 20
"""Descriptors and threads: connections are kept for as many scans as were ever saved at once. A leak would be
one for each scan."""
SPARE_MB = 8


@dataclass(frozen=True)
class Resources:
    """What a process has: memory in MB, open descriptors, threads."""

    memory_mb: float
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> Resources:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines)
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(int(status["VmRSS"].split()[0]) / 1024, descriptors, int(status["Threads"]))


def part_of_the_day(beamlines: list[Beamline], scans: int) -> None:
    """So many scans in each session, each session at its own pace, and saved at the end."""
    threads = [beamline.run([3 + n % 9 for n in range(scans)]) for beamline in beamlines]
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    for beamline in beamlines:
        assert beamline.failure is None, beamline.failure
        for scan in beamline.scans[-A_DATASET:]:
            wait_until(lambda s=scan: entry_is_final(s.path, s.entry), f"{scan.entry} complete")  # type: ignore[misc]


@pytest.mark.timeout(1800)
def test_all_complete_and_nothing_left_over(
    full: bool, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    scans = 2000 if full else 100
    rounds = -(-scans // (len(SESSIONS) * A_DATASET))
    database = Database(tmp_path)
    names = register(database, "day", *SESSIONS, redis_url=redis_url)
    client = redis.Redis.from_url(redis_url, protocol=2)
    samples: list[Resources] = []
    published = []
    try:
        variables = {"TANGO_HOST": database.tango_host, **OPTIONS}
        with serving(tmp_path / "server", "day", variables=variables) as server:
            devices = [database.proxy(name) for name in names]
            started = time.monotonic()
            for number in range(rounds):
                beamlines = [
                    Beamline(
                        client,
                        SessionPublisher(client, session).dataset(
                            tmp_path / session, "hg123", "sample", f"{number:04d}"
                        ),
                        period_s=0.0005,
                    )
                    for session in SESSIONS
                ]
                part_of_the_day(beamlines, A_DATASET)
                published += [scan for beamline in beamlines for scan in beamline.scans]
                wait_until(lambda: not any(device.scan_names for device in devices), "forgotten")
                samples.append(Resources.of(server.process.pid))
            record_property("scans_per_s", len(published) / (time.monotonic() - started))
            assert sum(device.scans_finished for device in devices) == len(published)
            assert server.end() == 0
    finally:
        database.stop()
        client.close()
    for scan in published:
        assert_complete(scan)
    assert "Traceback" not in server.output
    before, after = samples[len(samples) // 3], samples[-1]
    record_property("times", len(published))
    record_property("growth_MB", after.memory_mb - before.memory_mb)
    record_property("memory_MB", after.memory_mb)
    assert after.descriptors <= before.descriptors + SPARE
    assert after.threads <= before.threads + SPARE
    assert after.memory_mb <= before.memory_mb + SPARE_MB


def test_no_greenlet_is_left(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    options = read_options({"required_disk_space": 0, "flush_period_s": 0.02, "purge_after_s": 0})
    writer = NexusSessionWriter("greenlets", options, redis_url=redis_url)
    writer.start(wait=True, timeout=60)
    try:
        dataset = SessionPublisher(redis_client, "greenlets").dataset(tmp_path, "hg123", "sample")
        counts = []
        for _ in range(4):
            for _ in range(5):
                run_scan(dataset)
            until(lambda: writer.statistics().finished % 5 == 0 and not writer.scans(), "saved and forgotten")
            counts.append(greenlets())
        assert counts[-1] <= counts[0] + 1
    finally:
        assert writer.shut_down(10)


def greenlets() -> int:
    """That are alive in this process."""
    gc.collect()
    return sum(isinstance(one, gevent.Greenlet) and not one.dead for one in gc.get_objects())
