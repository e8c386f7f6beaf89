"""The guide to simulated beamlines: its file, its commands and its program are run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from nexus_writer.simulation import load
from tests.serve_process import entry_is_final, serving, wait_until

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "simulate-a-beamline.md").read_text()


def block(kind: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"^```{kind}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return found[number]


def without_digests(text: str) -> list[str]:
    return [re.sub(r" in [\d.]+ s .*| sha256 \w+", "", line) for line in text.splitlines() if line != "..."]


def test_what_the_guide_shows_is_what_happens(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "beamline.yaml").write_text(block("yaml"))
    serve, simulate = (
        line.replace("redis://localhost:6380/1", redis_url).split() for line in block("sh").splitlines()
    )
    assert serve[:2] == ["nexus-writer", "serve"]
    with serving(serve[2], redis_url, tmp_path, "--required-disk-space", "0"):
        command = [sys.executable, "-m", "nexus_writer", *simulate[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        shown = without_digests(block("text"))
        assert without_digests(done.stdout)[: len(shown)] == shown
        (path,) = (tmp_path / "trial_data" / "hg123").rglob("sample_0001.h5")
        wait_until(lambda: entry_is_final(path, "2.1"), "the file")
    program = [sys.executable, "-c", block("python")]
    compared = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)
    assert (compared.stdout, compared.stderr) == (block("text", 1), "")


def test_every_kind_and_type_is_told_of(tmp_path: Path) -> None:
    from nexus_writer.simulation import example

    path = tmp_path / "beamline.yaml"
    path.write_text(example())
    beamline = load(path)
    words = {one.kind for one in beamline.detectors.values()} | {one.type for _, one in beamline.numbered()}
    assert all(f"| `{word}` |" in GUIDE for word in words)
