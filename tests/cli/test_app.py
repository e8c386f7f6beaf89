"""The command line: help, versions, and one clear line for every mistake."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

import nexus_writer


def run(*arguments: str, timeout_s: float = 30, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command with these arguments."""
    command = [sys.executable, "-m", "nexus_writer", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=cwd, check=False)


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_version() -> None:
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.strip() == f"nexus-writer {nexus_writer.__version__}"


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["demo", "--help"]])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["serve"], 2, "Missing argument 'SESSION'"),
        (["serve", "s", "--no-such-option"], 2, "No such option: --no-such-option"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["serve", "s", "--redis", "http://example"], 2, "is not a Redis address"),
        (["serve", "s", "--redis", "redis://127.0.0.1:{port}/1"], 1, "no Redis at redis://127.0.0.1:{port}"),
        (["serve", "s", "--beacon", "127.0.0.1:{port}"], 1, "no Beacon at 127.0.0.1:{port}"),
        (["serve", "s"], 1, "no Redis address"),
        (["serve", "s", "--redis", "redis://h/1", "--path-map", "nonsense"], 2, "is not FROM=TO"),
        (["serve", "s", "--redis", "redis://h/1", "--log", "loud"], 2, "is no log level"),
        (
            ["serve", "s", "--redis", "redis://h/1", "--logfile", "/proc/no.log"],
            1,
            "cannot write the log file",
        ),
    ],
)
def test_mistake_is_one_clear_line(
    arguments: list[str], exit_code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BEACON_HOST", raising=False)
    monkeypatch.delenv("NEXUS_WRITER_REDIS_URL", raising=False)
    port = str(closed_port())
    result = run(*(argument.replace("{port}", port) for argument in arguments))
    assert result.returncode == exit_code, result.stderr
    assert says.replace("{port}", port) in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 4  # usage, a hint, and the line itself
