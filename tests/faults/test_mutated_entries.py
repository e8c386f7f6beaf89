"""Entries and infos that chance or malice has changed, in channels beside good ones."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from nexus_writer import open_live
from nexus_writer.data import SessionPublisher
from nexus_writer.data.publishing import DatasetPublisher, ScanSpec, timer
from nexus_writer.model.limits import MOST_POINTS, is_credible_shape
from tests.faults.kept import COUNTERS, expected
from tests.faults.mutations import Info, Mutant, Mutants, malicious, mutants, publish_strangely, strange_infos
from tests.serve_process import ServeProcess, entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("mutated Redis entries, pickles that try to run code among them")
SESSION = "mutated"
A_SCAN = 50
POINTS = 40
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.02", "--pace-s", "0.005")
MOST_MEMORY_KB = 700_000
LIKE_THIS = settings(
    deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def publish(dataset: DatasetPublisher, strange: list[Mutant]) -> tuple[Path, int]:
    """A scan of good channels, and of such ones that come in the middle; its file and number."""
    spec = ScanSpec("loopscan", (timer(COUNTERS),), title="a scan", npoints=POINTS)
    with dataset.scan(spec) as scan:
        number = scan.info["scan_nb"]
        scan.prepare()
        values = expected(number, POINTS)
        for start, stop in ((0, 15), (15, POINTS)):
            for name, points in values.items():
                scan[f"ctl:{name}"].publish(points[start:stop])
            scan.flush()
            if start == 0:
                for index, mutant in enumerate(strange):
                    mutant.publish(scan, f"{scan.key}:timer:ctl", f"strange{index}")
    return Path(scan.filename), number


def assert_good(path: Path, number: int) -> None:
    """All that was good is there, bit-equal; and nothing has a size that nobody could have published."""
    with open_live(path) as file:  # a strange scan may still be written
        entry = file[f"{number}.1"]
        for dataset in filter(None, entry["measurement"].values()):
            assert dataset.shape[0] <= MOST_POINTS
            assert is_credible_shape(dataset.shape[1:], dataset.dtype.itemsize)
        for name, values in expected(number, POINTS).items():
            assert entry[f"measurement/{name}"][()].tobytes() == values.tobytes()


def peak_memory_kb(pid: int) -> int:
    """The most that a process had at any time."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


@pytest.mark.timeout(900)
def test_others_are_saved_and_no_code_runs(
    full: bool,
    redis_url: str,
    redis_client: redis.Redis,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    canary = tmp_path / "canary"
    dataset = SessionPublisher(redis_client, SESSION).dataset(tmp_path / "data", "hg123", "sample")
    scans = 200 if full else 10
    record_property("times", scans * A_SCAN)

    def check(writer: ServeProcess, strange: list[Mutant]) -> None:
        path, number = publish(dataset, strange)
        wait_until(
            lambda: entry_is_final(path, f"{number}.1") or writer.process.poll() is not None,
            f"{number}.1 complete",
        )
        assert writer.process.poll() is None, writer.log.read_text()[-5000:]
        assert_good(path, number)
        assert not canary.exists()

    with serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer:

        @settings(LIKE_THIS, max_examples=scans)
        @given(st.lists(mutants(malicious(canary)), min_size=A_SCAN, max_size=A_SCAN).map(Mutants))
        def each(strange: Mutants) -> None:
            try:
                check(writer, strange)
            except BaseException:
                (tmp_path / "mutants.pickle").write_bytes(pickle.dumps(list(strange)))
                raise

        started = time.monotonic()
        each()
        record_property("scan_s", (time.monotonic() - started) / scans)
        record_property("peak_memory_MB", peak_memory_kb(writer.process.pid) / 1024)
        assert peak_memory_kb(writer.process.pid) < MOST_MEMORY_KB
        assert writer.stop() == 0
    log = writer.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


@pytest.mark.timeout(900)
def test_strange_scans_cost_no_other_scan(
    full: bool,
    redis_url: str,
    redis_client: redis.Redis,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Between two strange scans there is a good one."""
    canary = tmp_path / "canary"
    data = tmp_path / "data"
    data.mkdir()
    dataset = SessionPublisher(redis_client, SESSION).dataset(data, "hg123", "sample")
    scans = 400 if full else 20
    record_property("times", scans)
    spec = ScanSpec("loopscan", (timer(COUNTERS),), title="strange", npoints=3)
    with serving(SESSION, redis_url, tmp_path, *OPTIONS, "--roots", str(data)) as writer:

        @settings(LIKE_THIS, max_examples=scans)
        @given(strange_infos(malicious(canary)))
        def each(fields: Info) -> None:
            publish_strangely(dataset.scan(spec), fields)
            path, number = publish(dataset, [])
            wait_until(
                lambda: entry_is_final(path, f"{number}.1") or writer.process.poll() is not None,
                f"{number}.1 complete",
            )
            assert writer.process.poll() is None, writer.log.read_text()[-5000:]
            assert_good(path, number)
            assert not canary.exists()

        each()
        assert peak_memory_kb(writer.process.pid) < MOST_MEMORY_KB
        assert writer.stop() == 0
    log = writer.log.read_text()
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


def test_the_malicious_pickles_do_run_where_anybody_unpickles_them(tmp_path: Path) -> None:
    """Else the test above would show nothing."""
    canary = tmp_path / "canary"
    program = f"""
import pathlib, pickle, sys
from tests.faults.mutations import malicious
canary = pathlib.Path({str(canary)!r})
ran = 0
for data in malicious(canary)[:32]:
    try:
        pickle.loads(data)
    except Exception:
        pass
    ran += canary.exists()
    canary.unlink(missing_ok=True)
print(ran)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 20
