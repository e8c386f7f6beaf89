"""Any cut of a recorded scan plus a resume equals the file that was never cut."""

from __future__ import annotations

import random
import re
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer.data.recording import Recording, replay
from nexus_writer.hdf5 import own_entries
from tests.compare_files import compare_trees
from tests.integration.cut_scans import Writing
from tests.integration.test_replays import SCENARIOS, put_camera_files
from tests.manifests import blocks_that_differ

CUTS = 2
CUTS_IN_FULL = 40
OF_THE_RUN = [r"/writer/start_time "]
OF_A_RESUMED_ENTRY = re.compile(r"/writer/resumed$")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("trimmed", "keepshape"),
    [(False, False), (True, False), (True, True)],
    ids=["all in Redis", "committed points trimmed", "trimmed grids"],
)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_cut_and_a_resume_equal_the_uncut_file(
    scenario: str,
    trimmed: bool,
    keepshape: bool,
    captures: Path,
    redis_client: redis.Redis,
    tmp_path: Path,
    full: bool,
) -> None:
    """Also when Redis has only the points that were not committed at the cut."""
    recording = Recording(captures / scenario)
    replay(recording, redis_client)
    uncut = tmp_path / "uncut"
    put_camera_files(captures / scenario / "files", uncut)
    whole = Writing(redis_client, uncut, keepshape=keepshape)
    whole.write(recording)
    seed = random.randrange(2**32)
    print("seed", seed)
    cuts = CUTS_IN_FULL if full else CUTS
    for cut in sorted(random.Random(seed).sample(range(whole.steps), min(whole.steps, cuts))):
        killed, resumed = tmp_path / f"killed{cut}", tmp_path / f"resumed{cut}"
        put_camera_files(captures / scenario / "files", killed)
        Writing(redis_client, killed, cut=cut, copy=resumed, keepshape=keepshape).write(recording)
        if trimmed:
            trim_what_is_committed(redis_client, resumed)
        again = Writing(redis_client, resumed, keepshape=keepshape)
        again.write(recording)
        assert_equal(uncut, resumed, f"cut after step {cut} of {whole.steps}")
        if trimmed:
            redis_client.flushdb()
            replay(recording, redis_client)


def trim_what_is_committed(client: redis.Redis, root: Path) -> int:
    """Take from Redis what unfinished entries have committed; how many entries of streams that were."""
    trimmed = 0
    for key, points in committed_points(root).items():
        stream = f"{key}_data"
        starts = [entry_id for entry_id, _ in client.xrange(stream)]
        kept = [entry_id for entry_id in starts if int(entry_id.partition(b"-")[0]) <= points + 1]
        if kept and client.hget(key, "node_type") == b"channel":
            trimmed += client.xtrim(stream, minid=kept[-1], approximate=False)
    return trimmed


def committed_points(root: Path) -> dict[str, int]:
    """Committed points by channel key of all entries that are not complete."""
    points: dict[str, int] = {}
    for path in root.rglob("*.h5"):
        with h5py.File(path) as file:
            for name in file:
                if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                    continue
                note = file[name].get("writer")
                if note is None or note["status"][()] in (b"SUCCEEDED", b"FAILED"):
                    continue
                keys = note["points/key"].asstr()[()]
                points |= dict(zip(keys, note["points/committed"][()].tolist(), strict=False))
    return points


def assert_equal(uncut: Path, resumed: Path, what: str) -> None:
    report = compare_trees(uncut, resumed, tolerate=OF_THE_RUN)
    assert not report.misses, f"{what}: {report.misses[:10]}"
    assert report.recall == 1.0
    assert [place for place in report.extra if not OF_A_RESUMED_ENTRY.search(place)] == [], what
    other_way = compare_trees(resumed, uncut, structure=True)
    for path in resumed.rglob("*.h5"):
        for name in own_entries(path):
            with h5py.File(path) as file:
                assert list(blocks_that_differ(file[name])) == [], f"{what}: {name}"
    assert {place for place, _ in other_way.misses if not OF_A_RESUMED_ENTRY.search(place)} == set(), what
