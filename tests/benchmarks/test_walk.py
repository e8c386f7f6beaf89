"""The benchmark of walks runs, compares what it reads, and says what it leaves out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_it_measures_what_can_be_measured(tmp_path: Path) -> None:
    options = ["--json", "--repeats", "1", "--points", "20", "--blocks", "2"]
    command = [sys.executable, "-m", "benchmarks.walk", *options, "--blissdata", str(tmp_path / "python")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("no blissdata 0.3.1 at")
    assert done.stderr.count("\n") == 1
    results = [(one["traffic"], one["way"], one["points"]) for one in json.loads(done.stdout)]
    ways = ("in this process", "in one of its own")
    assert results == [
        *(("single points", way, 2000) for way in ways),
        *(("blocks of 100", way, 20_000) for way in ways),
    ]


@pytest.mark.parametrize("program", [sys.executable, "/bin/false", "/etc/passwd", "/tmp"])
def test_what_is_no_python_with_blissdata_is_told_in_a_line(program: str) -> None:
    command = [sys.executable, "-m", "benchmarks.walk", "--blissdata", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert f"--blissdata {program} is no Python with blissdata 0.3.1: " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
