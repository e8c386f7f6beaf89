"""``open_live`` on the file of a writer that has all it can do."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import h5py
import numpy as np
import redis

from nexus_writer import open_live
from nexus_writer.data.publishing import ChannelSpec, DeviceSpec, ScanSpec, SessionPublisher, timer
from tests.serve_process import entry_is_final, serving, wait_until

SESSION = "busy"
CHANNELS = 40
BATCH = 50


def test_never_fails_while_a_scan_is_written_at_full_speed(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path, full: bool
) -> None:
    duration_s = 30 if full else 5
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    path = dataset.policy.filename
    counters = DeviceSpec("ctl", tuple(ChannelSpec(f"c{n}", np.float64) for n in range(CHANNELS)))
    published = 0

    def publish() -> None:
        nonlocal published
        with dataset.scan(ScanSpec("loopscan", (timer(counters),), npoints=0)) as scan:
            scan.prepare()
            end = time.monotonic() + duration_s
            while time.monotonic() < end:
                for number in range(CHANNELS):
                    scan[f"ctl:c{number}"].publish(np.arange(published, published + BATCH, dtype=float))
                scan.flush()
                published += BATCH

    with serving(SESSION, redis_url, tmp_path / "writer", "--flush-period-s", "0.01"):
        publisher = threading.Thread(target=publish)
        publisher.start()
        wait_until(path.exists, "file")
        walks = longest = 0
        with open_live(path) as file:
            while publisher.is_alive():
                names = list(file["1.1/instrument"]) if "1.1/instrument" in file else []
                for name in names:
                    if f"1.1/instrument/{name}/data" not in file:
                        continue
                    values = file[f"1.1/instrument/{name}/data"][()]
                    assert np.array_equal(values, np.arange(len(values))), name
                    longest = max(longest, len(values))
                walks += 1
        publisher.join()
        wait_until(lambda: entry_is_final(path, "1.1"), "complete", 60)
    assert walks > 2
    assert longest > 0
    with h5py.File(path) as final:
        assert len(final["1.1/measurement/c0"]) == published
