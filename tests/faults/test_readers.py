"""Readers that open, walk, stay and close all through the scans: they hinder nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.kept import Beamline, assert_complete
from tests.faults.trials import trials
from tests.serve_process import entry_is_final, serving, wait_until

pytestmark = [
    pytest.mark.fault("a plain reader that opens, walks, stays and closes all through the scan"),
    pytest.mark.timeout(600),
]
SESSION = "read"
OPTIONS = ("--required-disk-space", "0", "--wait-for-file-s", "3600", "--side-file-after-entries", "1000000")
"""A scan that waits for its file would never end."""
READER = Path(__file__).with_name("reader.py")
LENGTHS = [250, 3, 250]
Record = Callable[[str, object], None]


@dataclass
class Readers:
    """Processes that read one file until they are stopped; one that HDF5 takes down is replaced."""

    kind: str
    path: Path
    walks: int = 0
    errors: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    crashes: int = 0

    def start(self) -> None:
        self._stopped = False
        self._process = self._spawn()
        self._thread = threading.Thread(target=self._attend)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._thread.join(60)

    def _spawn(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(READER), self.kind, str(self.path)]
        environment = {key: value for key, value in os.environ.items() if key != "HDF5_USE_FILE_LOCKING"}
        root = str(Path(__file__).parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def _attend(self) -> None:
        while True:
            process = self._process
            assert process.stdout is not None
            with process.stdout as output:
                report = output.read()
            if process.wait() >= 0:
                break
            self.crashes += 1
            if self._stopped:
                return
            self._process = self._spawn()
        found = json.loads(report)
        self.walks += found["walks"]
        self.errors += found["errors"]
        self.again += found["again"]


@trials(3, 50)
def test_nobody_is_hindered(trial: int, redis_url: str, tmp_path: Path, record_property: Record) -> None:
    beamline = Beamline.at(redis_url, SESSION, tmp_path / "data", period_s=0.002)
    path = beamline.dataset.policy.filename
    live = Readers("live", path)
    plain = [Readers("plain", path) for _ in range(2)]
    with serving(SESSION, redis_url, tmp_path, *OPTIONS) as writer:
        for reader in (live, *plain):
            reader.start()
        try:
            publishing = beamline.run(LENGTHS)
            publishing.join(60)
            for scan in beamline.scans:
                wait_until(lambda s=scan: entry_is_final(s.path, s.entry), f"{scan.entry} complete")  # type: ignore[misc]
        finally:
            for reader in (live, *plain):
                reader.stop()
        assert beamline.failure is None, beamline.failure
        assert writer.stop() == 0
        assert "is open for writing" not in writer.log.read_text()
        assert "Traceback" not in writer.log.read_text()
    for scan in beamline.scans:
        assert_complete(scan)
    assert live.errors == []
    assert live.crashes == 0
    assert live.walks > 1
    record_property("walks", sum(reader.walks for reader in plain))
    record_property("failed_walks", sum(len(reader.errors) for reader in plain))
    record_property("failed_looks_again", sum(len(reader.again) for reader in plain))
    record_property("crashes", sum(reader.crashes for reader in plain))
    record_property("live_walks", live.walks)
    print({error for reader in plain for error in reader.errors})
