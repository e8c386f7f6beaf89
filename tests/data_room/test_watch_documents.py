"""The how-to about watching: its commands are understood, its programs run beside a scan."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import redis

from nexus_writer.cli.app import app
from nexus_writer.data.publishing import (
    ChannelSpec,
    DeviceSpec,
    ScanPublisher,
    ScanSpec,
    SessionPublisher,
    timer,
)
from tests.waiting import wait_until

HOW_TO = (Path(__file__).parents[2] / "docs" / "how-to" / "watch-a-session.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", HOW_TO, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
PRINTED, VALUES, FILES, GREENLETS = (text for kind, text in BLOCKS if kind == "python")
SPEC = ScanSpec(
    "loopscan",
    (timer(DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))),),
    title="loopscan 3 0.1",
    npoints=3,
)


@contextmanager
def running(program: str, url: str, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, "NEXUS_WRITER_REDIS_URL": url, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen([sys.executable, path], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def publish(client: redis.Redis, directory: Path) -> ScanPublisher:
    dataset = SessionPublisher(client, "demo_session").dataset(directory, "hg123", "sample")
    with dataset.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(3.0))
    return scan


def is_listening(client: redis.Redis) -> bool:
    """Some program waits for what is new."""
    return any(one["cmd"] == "xread" and "b" in one["flags"] for one in client.client_list())


def printed_until(process: subprocess.Popen[str], text: str) -> str:
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if text in line:
            break
    return printed


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("nexus_writer.cli.watch.watch_session", lambda session, **_: called.append(session))
    app(shlex.split(command)[1:], standalone_mode=False)
    assert called == ["demo_session"]


def test_a_session_is_printed_as_the_text_shows(
    redis_url: str, redis_client: redis.Redis, tmp_path: Path
) -> None:
    shown = next(text for kind, text in BLOCKS if kind == "text" and text.startswith("Start"))
    with running(PRINTED, redis_url, tmp_path) as process:
        wait_until(lambda: is_listening(redis_client), "listening")
        scan = publish(redis_client, tmp_path)
        printed = printed_until(process, "END 1_")
        process.send_signal(signal.SIGINT)
        printed += process.communicate(timeout=60)[0]
        assert process.returncode == 0
    assert printed.replace(scan.filename, "/data/sample_0001.h5") == shown


def test_happenings_as_values(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    with running(VALUES, redis_url, tmp_path) as process:
        wait_until(lambda: is_listening(redis_client), "listening")
        scan = publish(redis_client, tmp_path)
        printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert printed.startswith(f"1_loopscan is saved in {scan.filename}::/1.1\n")
    assert printed.endswith("1_loopscan SUCCESS 3\n")


def test_where_a_scan_is_saved(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    scan = publish(redis_client, tmp_path)
    with running(FILES, redis_url, tmp_path) as process:
        printed, _ = process.communicate(timeout=60)
    assert printed.splitlines()[:2] == [f"1_loopscan {scan.filename}", f"['{scan.filename}::/1.1']"]
    assert printed.splitlines()[2].endswith(".h5")


def test_greenlets(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    with running(GREENLETS, redis_url, tmp_path) as process:
        wait_until(lambda: is_listening(redis_client), "listening")
        scan = publish(redis_client, tmp_path)
        assert printed_until(process, "points") == f"1_loopscan 3 points ['{scan.filename}::/1.1']\n"
