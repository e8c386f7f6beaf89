"""Recorded scans, replayed into the running writer, give the files that the classic writer made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import pytest
import redis

from nexus_writer.data.recording import Recording, replay
from tests.compare_files import compare_trees
from tests.integration.differences import DIFFERENCES
from tests.serve_process import entry_is_final, serving, wait_until

RECORDED_ROOT = "/data/id00/bliss/raw"
RECALL = 0.99
SCENARIOS = (
    "loopscan10",
    "ct",
    "ascan1",
    "amesh",
    "two_masters",
    "failing",
    "timescan_abort",
    "metadata",
    "mca",
    "units_modes",
    "dtypes",
    "strings",
    "sequence",
    "lima_two",
)


def expected_entries(reference: Path) -> list[tuple[Path, str]]:
    """(relative path, entry) of everything that the classic writer wrote."""
    entries = []
    for path in sorted(reference.rglob("*.h5")):
        with h5py.File(path) as file:
            own = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
            entries += [(path.relative_to(reference), name) for name in own if "writer" in file[name]]
    return entries


def put_camera_files(reference: Path, saved: Path) -> None:
    """What cameras wrote is there before the writer: their directories, one a scan."""
    for directory in reference.rglob("scan0*"):
        shutil.copytree(directory, saved / directory.relative_to(reference))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_replay_gives_the_classic_file(
    scenario: str, captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / scenario)
    reference = captures / scenario / "files"
    saved = tmp_path / "saved"
    put_camera_files(reference, saved)
    options = ("--path-map", f"{RECORDED_ROOT}={saved}")
    with serving(recording.session, redis_url, tmp_path, *options) as writer:
        replay(recording, redis_client)
        for path, entry in expected_entries(reference):
            wait_until(lambda p=path, e=entry: entry_is_final(saved / p, e), f"{path}::/{entry} complete")  # type: ignore[misc]
        assert writer.stop() == 0
    report = compare_trees(reference, saved, tolerate=[difference.pattern for difference in DIFFERENCES])
    misses = "\n".join(f"{where}: {why}" for where, why in report.misses)
    assert report.recall >= RECALL, f"recall {report.recall:.4f}\n{misses}\n{writer.log.read_text()}"
