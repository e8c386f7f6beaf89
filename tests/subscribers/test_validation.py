"""Entries are validated beside the work, and what is found is told in the file and in the status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

from nexus_writer.data.publishing import DatasetPublisher
from nexus_writer.subscribers import FinishedScan, NexusSessionWriter
from tests.hdf5.processes import running_python
from tests.session_scans import reading, run_scan, saved, until

pytest.importorskip("nexusformat")
Maker = Callable[..., NexusSessionWriter]
STRICT = "scan_{scan_nb:04d}_{subscan}"


def validated(writer: NexusSessionWriter, key: str) -> FinishedScan:
    scan = saved(writer, key)
    until(lambda: scan.status().validation, "validated", timeout_s=240)
    return scan


def in_file(path: Path, entry: str = "1.1") -> bool:
    with reading(path) as file:
        return "validation" in file[entry]["writer"]


def test_an_entry_of_ours_is_valid(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(validation=True)
    scan = validated(writer, run_scan(sample).key)
    assert scan.status().validation.startswith("valid, ")
    assert json.loads(json.dumps(scan.status().to_dict()))["validation"] == scan.status().validation
    path = sample.policy.filename
    until(lambda: in_file(path), "in the file")
    with h5py.File(path) as file:
        note = file["1.1/writer/validation"]
        head, *lines = note.asstr()[()].splitlines()
        assert head.startswith("valid, ")
        assert "nexusformat" in head
        assert (note.attrs["errors"], note.attrs["warnings"]) == (0, len(lines))
        assert "date" in note.attrs
        assert file["1.1/writer/status"].asstr()[()] == "SUCCEEDED"


def test_what_the_user_got_wrong_is_named(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(validation=True)
    wrong = {"experiment": {"thing": {"@NX_class": "NXdetector", "acquisition_mode": "as fast as it can"}}}
    scan = validated(writer, run_scan(sample, categories=wrong).key)
    assert scan.state.name == "OFF"
    assert scan.status().validation.startswith("1 error, ")
    assert (
        "/1.1/experiment/thing/acquisition_mode: The field value is not a member" in scan.status().validation
    )
    until(lambda: in_file(sample.policy.filename), "in the file")


def test_nothing_is_validated_unless_it_is_asked_for(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with()
    scan = saved(writer, run_scan(sample).key)
    assert scan.status().validation == ""
    assert "_validator" not in writer.__dict__


def test_the_next_scan_is_not_hindered(writer_with: Maker, sample: DatasetPublisher) -> None:
    writer = writer_with(validation=True)
    keys = [run_scan(sample).key for _ in range(4)]
    scans = [saved(writer, key) for key in keys]
    until(lambda: all(scan.status().validation for scan in scans), "all validated", timeout_s=240)
    for number in range(1, 5):
        until(lambda n=number: in_file(sample.policy.filename, f"{n}.1"), "in the file")  # type: ignore[misc]


def test_findings_wait_for_a_file_that_is_locked(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.validation.TRY_AGAIN_AFTER_S", (0.2,) * 50)
    writer = writer_with(validation=True)
    scan = saved(writer, run_scan(sample).key)
    code = """
        import h5py, sys
        file = h5py.File(sys.argv[1], "r+")
        print("ready", flush=True)
        sys.stdin.read()
    """
    with running_python(code, sample.policy.filename):
        until(lambda: scan.status().validation, "validated", timeout_s=240)
        assert scan.status().validation.startswith("valid")
    until(lambda: in_file(sample.policy.filename), "in the file", timeout_s=240)


def test_without_a_validator_the_status_says_so(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.validation.can_validate", lambda: False)
    writer = writer_with(validation=True)
    scan = validated(writer, run_scan(sample).key)
    assert scan.status().validation.startswith("not validated: nexusformat is missing")
    assert scan.state.name == "OFF"


def test_a_validator_that_fails_or_takes_for_ever(
    writer_with: Maker, sample: DatasetPublisher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("nexus_writer.subscribers.validation.sys.executable", "/bin/false")
    writer = writer_with(validation=True)
    scan = validated(writer, run_scan(sample).key)
    assert scan.status().validation == "not validated: the validator failed: without a word"
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o700)
    monkeypatch.setattr("nexus_writer.subscribers.validation.sys.executable", str(slow))
    monkeypatch.setattr("nexus_writer.subscribers.validation.WITHIN_S", 0.3)
    scan = validated(writer, run_scan(sample).key)
    assert scan.status().validation == "not validated: it took longer than 0.3 s"
