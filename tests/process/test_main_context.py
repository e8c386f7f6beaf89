from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nexus_writer.process import MainContext, MessageObject, safe_select
from tests.process.traces import children_of, is_running
from tests.process.workers import Workers
from tests.waiting import allowed_s


class Steps(MainContext):
    def __init__(self) -> None:
        self.steps: list[str] = []
        super().__init__()

    def startProcesses(self) -> None:
        self.steps.append("processes")

    def startThreads(self) -> None:
        self.steps.append("threads")

    def close(self) -> None:
        self.steps.append("close")


class ClosesItself(Steps):
    """Its loop ends with ``close``, as a program's does."""

    def __call__(self) -> None:
        safe_select([self.aux_pipe_read], [], [])
        self.close()

    def close(self) -> None:
        self.steps.append("close of the subclass")
        super().close()


def test_processes_are_started_before_threads() -> None:
    context = Steps()
    assert context.steps == ["processes", "threads"]
    assert context.logger is logging.getLogger("Steps")


@pytest.mark.parametrize("missing", ["startProcesses", "startThreads", "close"])
def test_what_is_not_defined_is_named(missing: str) -> None:
    own = {name: lambda self: None for name in ("startProcesses", "startThreads", "close") if name != missing}
    kind = type("Incomplete", (MainContext,), own)
    with pytest.raises(NotImplementedError, match=f"Incomplete has no method {missing}"):
        kind().close()


def test_five_workers_do_their_work_and_end() -> None:
    workers = Workers(5)
    pids = {process.pid for process in workers.processes}
    assert workers.squares(range(20)) == {number: number**2 for number in range(20)}
    workers.close()
    assert len(pids) == 5
    assert not any(is_running(pid) for pid in pids if pid)
    assert [process.exitcode for process in workers.processes] == [0] * 5


@pytest.mark.parametrize("kind", [Steps, ClosesItself])
def test_a_thread_is_stopped_and_close_is_run_once(kind: type[Steps]) -> None:
    context = kind()
    context.runAsThread()
    begun_s = time.monotonic()
    context.stopThread()
    assert time.monotonic() - begun_s < allowed_s(0.2)
    context.close()
    assert context.steps.count("close") == 1
    assert context.steps.count("close of the subclass") == (kind is ClosesItself)


def test_workers_run_in_a_thread() -> None:
    workers = Workers(2)
    workers.runAsThread()
    assert threading.active_count() > 1
    workers.processes[0].sendMessageToBack(MessageObject("square", number=3))
    assert workers.results.get(timeout=60) == (3, 9)
    workers.stopThread()
    assert [process.exitcode for process in workers.processes] == [0, 0]


def test_ctrl_c_ends_a_program_of_workers(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"from tests.process.workers import main; main({str(ready)!r})"
    program = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stderr=subprocess.PIPE, text=True
    )
    while not ready.exists():
        time.sleep(0.01)
    children = children_of(program.pid)
    assert len(children) == 5
    os.killpg(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    assert not any(map(is_running, children))
