"""Files that exist, and that this user may not read."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

PR_CAPBSET_DROP = 24
CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2


def as_anybody() -> None:
    """The program that follows heeds permissions, also where root runs it."""
    if os.geteuid() == 0:
        prctl = ctypes.CDLL(None).prctl
        assert not prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
        assert not prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH, 0, 0, 0)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nexus_writer", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, preexec_fn=as_anybody
    )


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file.create_group("1.1").attrs["NX_class"] = "NXentry"
    path.chmod(0)
    return path


@pytest.mark.parametrize("command", ["tree", "plot", "validate"])
def test_it_is_told_in_one_line(command: str, secret: Path) -> None:
    result = run(command, str(secret))
    assert result.returncode == 1
    assert result.stderr == f"nexus-writer: this user may not read {secret}: ask as its owner, or as root\n"


def test_the_others_are_validated_all_the_same(secret: Path) -> None:
    other = secret.with_name("other.h5")
    h5py.File(other, "w").close()
    result = run("validate", str(secret), str(other))
    assert f"{other}: no entries of its own" in result.stdout
    assert "Traceback" not in result.stderr


def test_the_doctor_says_who_may(secret: Path) -> None:
    result = run("doctor", str(secret))
    assert result.returncode == 1
    assert "this user may not read it\n  -> ask as its owner, or as root" in result.stdout
