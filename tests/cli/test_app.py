"""The command line: help, versions, and one clear line for every mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

import nexus_writer
from nexus_writer.cli import main
from tests.ports import free_port


def run(*arguments: str, timeout_s: float = 120, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command with these arguments."""
    command = [sys.executable, "-m", "nexus_writer", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=cwd, check=False)


def closed_port() -> int:
    """A port on which nothing listens."""
    return free_port()


def test_version() -> None:
    result = run("--version")
    assert result.returncode == 0
    assert result.stdout.strip() == f"nexus-writer {nexus_writer.__version__}"


def test_help_says_of_each_command_what_it_is_for() -> None:
    """Whole sentences, in a terminal of 80 columns."""
    commands = run("--help").stdout.partition("Commands:\n")[2]
    assert len(commands.splitlines()) > 10
    assert "..." not in commands


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["demo", "--help"]])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 0
    assert "Usage:" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["serve"], "Missing argument 'SESSION'"),
        (["serve", "s", "--no-such-option"], "No such option: --no-such-option"),
        (["serve", "s", "t"], "Got unexpected extra argument"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["serve", "s", "--redis", ""], "Invalid value for '--redis': it is empty"),
        (["serve", ""], "Invalid value for 'SESSION': '' is no session name: give one without spaces"),
        (["serve", "a:b"], "'a:b' is no session name"),
        (["serve", "a b"], "'a b' is no session name"),
        (["serve", "s", "--log", "loud"], "is no log level"),
        (["serve", "s", "--filesize=-3"], "Invalid value for '--filesize': -3 is no size"),
        (["serve", "s", "--filesize=nan"], "Invalid value for '--filesize': nan is no size"),
        (["serve", "s", "--filesize=inf"], "Invalid value for '--filesize': inf is no size"),
        (["serve", "s", "--filebackups=-1"], "Invalid value for '--filebackups': "),
        (["serve", "s", "--filebackups=x"], "Invalid value for '--filebackups': "),
        (["serve", "s", "--flush-bytes=none"], "Invalid value for '--flush-bytes': "),
        (["serve", "s", "--path-map", "nonsense"], "is not FROM=TO: give two absolute directories"),
        (["serve", "s", "--required-disk-space=-5"], "greater than or equal to 0, not -5.0 (command line)"),
        (["serve", "s", "--required-disk-space=nan"], "required_disk_space: Input should be a finite number"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["nexus-writer", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert says in told
    assert told.startswith("nexus-writer: ")
    assert len(told.splitlines()) == 1, told


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["serve", "s", "--redis", "http://example"], 2, "is not a Redis address"),
        (["serve", "s", "--redis", "redis://127.0.0.1:{port}/1"], 1, "no Redis at redis://127.0.0.1:{port}"),
        (["serve", "s", "--beacon", "127.0.0.1:{port}"], 1, "no Beacon at 127.0.0.1:{port}"),
        (["serve", "s"], 2, "no Redis address"),
        (
            ["serve", "s", "--redis", "redis://h/1", "--logfile", "/proc/no.log"],
            1,
            "cannot write the log file",
        ),
    ],
)
def test_a_writer_that_cannot_start_says_why_in_one_line(
    arguments: list[str], exit_code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BEACON_HOST", raising=False)
    monkeypatch.delenv("NEXUS_WRITER_REDIS_URL", raising=False)
    port = str(closed_port())
    result = run(*(argument.replace("{port}", port) for argument in arguments))
    assert result.returncode == exit_code, result.stderr
    assert says.replace("{port}", port) in result.stderr
    assert result.stderr.startswith("nexus-writer: ")
    assert len(result.stderr.splitlines()) == 1, result.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["serve"], "nexus-writer: Missing argument 'SESSION' (try 'nexus-writer serve --help')"),
        (["tree", "a.h5", "--depth", "0"], "(try 'nexus-writer tree --help')"),
        (["frobnicate"], "nexus-writer: No such command 'frobnicate' (try 'nexus-writer --help')"),
    ],
)
def test_a_wrong_command_line_says_where_the_help_is(arguments: list[str], hint: str) -> None:
    assert run(*arguments).stderr.strip().endswith(hint)


def test_without_arguments_it_shows_its_help() -> None:
    result = run()
    assert result.returncode == 2
    assert "Usage: nexus-writer " in result.stdout + result.stderr
    assert "serve" in result.stdout + result.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["simulate", "--example"], ["tree", "{file}"], ["doctor", "{file}"]],
    ids=lambda arguments: arguments[0],
)
def test_a_pipe_that_nobody_reads_ends_it_quietly(
    arguments: list[str], unbuffered: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file.attrs["NX_class"] = "NXroot"
        for name in range(200):
            file.create_group(f"{name}.1").attrs["NX_class"] = "NXentry"
    readable, writable = os.pipe()
    os.close(readable)
    command = [sys.executable, "-m", "nexus_writer", *(one.format(file=path) for one in arguments)]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    try:
        done = subprocess.run(
            command, stdout=writable, stderr=subprocess.PIPE, text=True, env=environment, check=False
        )
    finally:
        os.close(writable)
    assert (done.returncode, done.stderr) == (1, "")
