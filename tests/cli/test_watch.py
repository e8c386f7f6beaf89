"""``nexus-writer watch``: on a pipe, for programs, on a terminal, and what it says of a mistake."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import redis

from nexus_writer.cli.watch_lines import channels_told, json_line, kind_of, line
from nexus_writer.data.events import EventType
from nexus_writer.data.happenings import (
    ChannelProgress,
    RedisBack,
    RedisGone,
    ScanEnded,
    ScanGone,
    ScanPrepared,
    ScanProgressed,
    ScanSilent,
    ScanStarted,
)
from nexus_writer.data.publishing import (
    ChannelSpec,
    DatasetPublisher,
    DeviceSpec,
    ScanSpec,
    SessionPublisher,
    timer,
)
from tests.cli.test_app import closed_port, run

SESSION = "watched"
SPEC = ScanSpec(
    "loopscan", (timer(DeviceSpec("ctl", (ChannelSpec("diode", np.float64),))),), title="by 3", npoints=3
)


@pytest.fixture
def dataset(redis_client: redis.Redis, tmp_path: Path) -> DatasetPublisher:
    return SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample")


@contextmanager
def watching(url: str, *options: str, output: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "nexus_writer", "watch", SESSION, "--redis", url, *options]
    process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    """It is printed when no scan can be missed any more."""
    assert process.stdout is not None
    return process.stdout.readline()


def rest(process: subprocess.Popen[str], number: int = signal.SIGINT) -> list[str]:
    """What it prints until a signal ends it."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    return output.splitlines()


def until_ended(stream: IO[str] | None) -> list[str]:
    assert stream is not None
    lines = []
    for text in stream:
        lines.append(text.rstrip("\n"))
        if " END " in text or '"ended"' in text:
            break
    return lines


def publish(dataset: DatasetPublisher) -> str:
    with dataset.scan(SPEC) as scan:
        scan.prepare()
        scan["ctl:diode"].publish(np.arange(3.0))
        scan["timer:epoch"].publish(np.arange(2.0))
    return f"{scan.filename}::/1.1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_line_for_each_happening(redis_url: str, dataset: DatasetPublisher, number: int) -> None:
    with watching(redis_url) as process:
        assert first_line(process) == f"watching {SESSION}; Ctrl-C ends it\n"
        uri = publish(dataset)
        lines = [text.partition(" ")[2] for text in until_ended(process.stdout)]
        assert lines == [
            f"START 1_loopscan 'by 3' (3 points) {uri}",
            "PREPARED 1_loopscan",
            "END 1_loopscan SUCCESS 3/3 ctl:diode; 2/3 timer:epoch; 0/3 timer:elapsed_time "
            "[NEW_NODE 5, PREPARED_SCAN 1, NEW_DATA 2, END_SCAN 1]",
        ]
        assert rest(process, number) == ["stopped watching"]


def test_for_programs(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, "--json", "--period", "0.05") as process:
        assert json.loads(first_line(process)) == {"happening": "watching", "session": SESSION}
        uri = publish(dataset)
        told = [json.loads(text) for text in until_ended(process.stdout)]
        assert [one["happening"] for one in told if one["happening"] != "progressed"] == [
            "started",
            "prepared",
            "ended",
        ]
        assert all(one["scan"].endswith(":1_loopscan") and one["time"] > 1.7e9 for one in told)
        assert told[0]["uris"] == told[-1]["uris"] == [uri]
        assert told[-1]["channels"]["ctl:diode"] == {"points": 3, "lost": 0}
        assert told[-1]["events"]["NEW_DATA"] == 2
        assert [json.loads(text) for text in rest(process)] == [{"happening": "stopped"}]


def test_a_scan_that_is_silent(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url, "--silent-after", "0.2") as process:
        first_line(process)
        with dataset.scan(SPEC):
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(2)]
            assert " START 1_loopscan " in lines[0]
            assert " SILENT 1_loopscan nothing came since " in lines[1]


class Terminal:
    """``watching`` on one: ``shows`` waits until a text was drawn, at any time."""

    def __init__(self, url: str, *options: str) -> None:
        self._url = url
        self._options = options
        self._shown = b""

    def __enter__(self) -> Terminal:
        self._ours, its = pty.openpty()
        self._opened = contextlib.ExitStack()
        self._opened.callback(os.close, self._ours)
        self._opened.callback(os.close, its)
        self._process = self._opened.enter_context(watching(self._url, *self._options, output=its))
        self.shows(b"no scans running")
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def shows(self, text: bytes) -> None:
        deadline = time.monotonic() + 60
        while text not in self._shown:
            assert select.select([self._ours], [], [], max(0.0, deadline - time.monotonic()))[0], self._shown
            self._shown += os.read(self._ours, 65536)

    def end(self) -> str:
        """By Ctrl-C; what it says of errors."""
        self._process.send_signal(signal.SIGINT)
        _, errors = self._process.communicate(timeout=60)
        assert self._process.returncode == 0
        return errors


def test_live_on_a_terminal(redis_url: str, dataset: DatasetPublisher) -> None:
    with Terminal(redis_url) as terminal:
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            scan["ctl:diode"].publish(np.arange(2.0))
            scan.flush()
            terminal.shows(b"1 scan running")
            terminal.shows(b"2/3")
        terminal.shows(b"END 1_loopscan SUCCESS")
        assert terminal.end() == ""
        terminal.shows(b"stopped watching")


def test_a_silent_scan_on_a_terminal(redis_url: str, dataset: DatasetPublisher) -> None:
    with Terminal(redis_url, "--silent-after", "0.2") as terminal:
        with dataset.scan(SPEC) as scan:
            scan.prepare()
            scan["ctl:diode"].publish(np.arange(2.0))
            scan.flush()
            terminal.shows(b"silent since")
        terminal.shows(b"END 1_loopscan SUCCESS")


def test_a_pipe_that_is_closed_ends_it(redis_url: str, dataset: DatasetPublisher) -> None:
    with watching(redis_url) as process:
        first_line(process)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        publish(dataset)
        assert process.wait(timeout=60) == 1
        assert process.stderr.read() == ""


def test_a_session_that_is_not_there(redis_url: str, dataset: DatasetPublisher) -> None:
    result = run("watch", "nowhere", "--redis", redis_url)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"nexus-writer: Redis has no session nowhere (it has {SESSION}): correct the name, or wait for it "
        "to begin\n"
    )


def test_a_user_who_may_not_read(
    redis_url: str, redis_client: redis.Redis, dataset: DatasetPublisher
) -> None:
    redis_client.execute_command("ACL", "SETUSER", "half", "on", ">half", "allkeys", "+@all", "-xread")
    try:
        result = run("watch", SESSION, "--redis", redis_url.replace("//", "//half:half@"))
    finally:
        redis_client.execute_command("ACL", "DELUSER", "half")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("nexus-writer: Redis refuses (")
    assert "xread" in result.stderr


def test_a_session_may_be_waited_for(redis_url: str, redis_client: redis.Redis, tmp_path: Path) -> None:
    with watching(redis_url, "--wait") as process:
        first_line(process)
        publish(SessionPublisher(redis_client, SESSION).dataset(tmp_path, "hg123", "sample"))
        assert "SUCCESS" in until_ended(process.stdout)[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("s", "--redis", "redis://127.0.0.1:{port}"), 1, "no Redis at redis://127.0.0.1:{port}"),
        (("a:b",), 2, "'a:b' is no session name"),
        (("s", "--period", "0"), 2, "0 is no time: give a number of seconds above 0"),
        (("s", "--silent-after", "-1"), 2, "-1 is no time: give a number of seconds, 0 for never"),
        (("s", "--entry-name", "scan"), 2, "gives two entries one name"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], code: int, says: str) -> None:
    port = str(closed_port())
    result = run("watch", *(argument.replace("{port}", port) for argument in arguments))
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (code, "", 1)
    assert says.replace("{port}", port) in result.stderr


class TestLines:
    """Texts of happenings."""

    def test_channels_that_are_equally_far_stand_together(self) -> None:
        channels = {f"c{index}": ChannelProgress(5) for index in range(6)}
        channels["slow"] = ChannelProgress(2, lost=3)
        assert channels_told(channels, 10) == (
            "5/10 c0, c1, c2, c3 and 2 more; 2/10 slow; 3 points were dropped by Redis unseen"
        )
        assert channels_told({"c": ChannelProgress(1)}, 0) == "1 c"
        assert channels_told({}, 5) == "no channels"

    def test_nothing_from_redis_breaks_a_line_or_reaches_the_terminal(self) -> None:
        evil = "\x1b[31m\nEND"
        for happening in (
            ScanStarted("key", evil, evil, (evil,), 0),
            ScanProgressed("key", evil, 3, {evil: ChannelProgress(1)}),
            ScanSilent("key", evil, 0.0),
            ScanEnded("key", evil, 3, {}, (), f"FAILURE: {evil}", evil, {EventType.END_SCAN: 1}),
            RedisGone(evil),
        ):
            assert line(happening).isprintable()
            assert json_line(happening).isprintable()

    def test_every_kind_has_its_word(self) -> None:
        happenings = (
            ScanStarted("key", "n", "", (), 0),
            ScanPrepared("key", "n"),
            ScanProgressed("key", "n", 3, {}),
            ScanSilent("key", "n", 0.0),
            ScanEnded("key", "n", 3, {}, (), "SUCCESS", "", {}),
            ScanGone("key", "n"),
            RedisGone("why"),
            RedisBack(),
        )
        words = ["started", "prepared", "progressed", "silent", "ended", "gone", "redis_gone", "redis_back"]
        assert [kind_of(happening) for happening in happenings] == words
        assert [json.loads(json_line(happening))["happening"] for happening in happenings] == words
        assert all(line(happening)[8] == " " for happening in happenings)
