"""SIGKILL at random moments, while it starts, listens, creates, writes, flushes, resumes and completes: every
file opens and can be read, and what is saved in the end lacks nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nexus_writer.hdf5 import SCHEMES
from tests.faults.kept import Beamline, assert_complete, walk
from tests.faults.trials import trials
from tests.faults.writers import kill, spawn
from tests.serve_process import entry_is_final, serving, wait_until

pytestmark = pytest.mark.fault("SIGKILL of the writer at a random moment, restart")
SESSION = "killed"
KILLS_A_ROUND = 5
CHUNKS = {"chunk_nbytes": 2**15, "chunk_split": 1, "compression_limit_nbytes": 0}
"""Spectra have chunks of 171 points, which are compressed in threads."""
OPTIONS = ("--required-disk-space", "0", "--flush-period-s", "0.02", "--pace-s", "0.005")


def one_round(seed: int, redis_url: str, directory: Path) -> None:
    """A few scans, published whatever happens; writers that are killed; one that is not."""
    chance = random.Random(seed)
    log = directory / "writer.log"
    directory.mkdir()
    beamline = Beamline.at(redis_url, SESSION, directory / "data")
    beamline.dataset.writer_options["chunk_options"] = CHUNKS | {"compression_scheme": chance.choice(SCHEMES)}
    publishing = beamline.run([chance.choice((3, 40, 400, 900)) for _ in range(4)])
    for _ in range(KILLS_A_ROUND):
        writer = spawn(SESSION, redis_url, log, *OPTIONS)
        wait_for_a_moment(chance, directory / "data")
        assert writer.poll() is None, log.read_text()
        kill(writer, directory / "data")
        walk(directory / "data")
    publishing.join(60)
    assert beamline.failure is None, beamline.failure
    with serving(SESSION, redis_url, directory, *OPTIONS) as last:
        for scan in beamline.scans:
            wait_until(
                lambda s=scan: entry_is_final(s.path, s.entry),  # type: ignore[misc]
                f"{scan.entry} complete",
                timeout_s=30,
            )
        assert last.stop() == 0
    for scan in beamline.scans:
        assert_complete(scan)
    assert "Traceback" not in log.read_text()


def wait_for_a_moment(chance: random.Random, root: Path) -> None:
    """At any time, or when files have just been changed for the nth time: made, appended to, flushed, gone on
    with, completed."""
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0, 2))
        return
    seen, changes, wanted = state_of(root), 0, chance.choice((1, 2, 3, 5, 10, 20, 50, 100))
    deadline_s = time.monotonic() + 3
    while changes < wanted and time.monotonic() < deadline_s:
        if (now := state_of(root)) != seen:
            seen, changes = now, changes + 1
    time.sleep(chance.uniform(0, 0.003))


def state_of(root: Path) -> list[tuple[int, int]]:
    """What tells that a file was written to."""
    statuses = [path.stat() for path in root.rglob("*.h5")]
    return [(status.st_size, status.st_mtime_ns) for status in statuses]


@trials(20 // KILLS_A_ROUND, 300 // KILLS_A_ROUND)
def test_every_point_is_there_once(
    trial: int, redis_url: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(2**32)
    print(f"round {trial}: seed {seed}")
    record_property("times", KILLS_A_ROUND)
    one_round(seed, redis_url, tmp_path / "round")
