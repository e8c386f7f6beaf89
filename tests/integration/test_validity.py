"""Recorded scans give files that break no NeXus definition, also where entries have strict names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import redis

from nexus_writer.data.recording import Recording, replay
from nexus_writer.hdf5 import lost_links, own_entries
from nexus_writer.subscribers.nexus_rules import validate_entry
from tests.integration.test_replays import RECORDED_ROOT, SCENARIOS, expected_entries, put_camera_files
from tests.nexus_judge import errors_in
from tests.serve_process import entry_is_final, serving, wait_until

pytest.importorskip("nexusformat")
STRICT = "scan_{scan_nb:04d}_{subscan}"


def strict_name(entry: str) -> str:
    """What the template makes of the entry ``N.i``."""
    scan_nb, subscan = map(int, entry.split("."))
    return STRICT.format(scan_nb=scan_nb, subscan=subscan)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_replay_is_valid(
    scenario: str, captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / scenario)
    reference, saved = captures / scenario / "files", tmp_path / "saved"
    put_camera_files(reference, saved)
    options = ("--path-map", f"{RECORDED_ROOT}={saved}", "--entry_name", STRICT)
    with serving(recording.session, redis_url, tmp_path, *options) as writer:
        replay(recording, redis_client)
        entries = [(saved / path, strict_name(entry)) for path, entry in expected_entries(reference)]
        for path, entry in entries:
            wait_until(lambda p=path, e=entry: entry_is_final(p, e), f"{path}::/{entry} complete")  # type: ignore[misc]
        assert writer.stop() == 0
    assert entries
    for path, entry in entries:
        findings = validate_entry(path, entry, strict_names=True)
        assert findings.not_validated == ""
        assert findings.errors == (), findings.report()
    for path in saved.rglob("*.h5"):
        if not path.parent.name.startswith("scan0"):  # files of cameras
            assert errors_in(path, strict_names=True) == []
    masters = [path for path in saved.rglob("*.h5") if not own_entries(path)]
    assert len(masters) == 2
    for master in masters:
        assert lost_links(master) == []


@pytest.mark.parametrize(
    ("scenario", "flags"),
    [
        ("amesh", ["--keepshape", "--multivalue_positioners"]),
        ("dtypes", ["--keepshape", "--multivalue_positioners"]),
        ("lima_two", ["--disable_external_hdf5"]),
        ("lima_two", ["--disable_external_hdf5", "--copy_non_external"]),
    ],
)
def test_a_replay_with_save_options_is_valid(
    scenario: str, flags: list[str], captures: Path, redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    recording = Recording(captures / scenario)
    reference, saved = captures / scenario / "files", tmp_path / "saved"
    put_camera_files(reference, saved)
    with serving(recording.session, redis_url, tmp_path, "--path-map", f"{RECORDED_ROOT}={saved}", *flags):
        replay(recording, redis_client)
        for path, entry in expected_entries(reference):
            wait_until(lambda p=path, e=entry: entry_is_final(saved / p, e), f"{path}::/{entry} complete")  # type: ignore[misc]
    for path, _ in expected_entries(reference):
        assert errors_in(saved / path) == []


def test_the_names_that_bliss_expects_are_told_apart_from_errors(tmp_path: Path, captures: Path) -> None:
    """Of a file of the classic writer itself."""
    path = tmp_path / "ct_0001.h5"
    shutil.copy(next((captures / "ct").rglob("ct_0001.h5")), path)
    findings = validate_entry(path, "1.1")
    assert findings.errors == ()
    strict = validate_entry(path, "1.1", strict_names=True)
    assert strict.errors == ('/1.1: "1.1" is an invalid name',)
    assert strict.warnings == findings.warnings
