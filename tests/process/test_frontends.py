"""The end of the frontend, however it comes; frontends and backends with gevent in them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.process.traces import is_running
from tests.waiting import allowed_s


def command(program: str, start_method: str) -> list[str]:
    return [sys.executable, "-m", "tests.process.frontends", program, start_method]


def output(program: str, start_method: str) -> str:
    done = subprocess.run(
        command(program, start_method), capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("program", ["waits", "waits_while_busy", "waits_for_asyncio"])
def test_a_killed_frontend_takes_its_backend_with_it(start_method: str, program: str, full: bool) -> None:
    for _ in range(100 if full and program == "waits" else 1):
        assert_backend_ends_with_its_frontend(program, start_method)


def assert_backend_ends_with_its_frontend(program: str, start_method: str) -> None:
    with subprocess.Popen(command(program, start_method), stdout=subprocess.PIPE, text=True) as frontend:
        assert frontend.stdout
        pid, memory = frontend.stdout.readline().split()
        assert is_running(int(pid))
        assert memory == "-" or Path("/dev/shm", memory).exists()
        frontend.kill()
        killed_s = time.monotonic()
        while is_running(int(pid)):
            assert time.monotonic() - killed_s < allowed_s(0.2)
            time.sleep(0.01)
        while memory != "-" and Path("/dev/shm", memory).exists():
            assert time.monotonic() - killed_s < allowed_s(0.2)
            time.sleep(0.01)


def test_a_frontend_that_forgets_to_stop_ends(start_method: str) -> None:
    assert_ends("forgets_to_stop", start_method)


def test_a_frontend_that_forgets_a_stuck_backend_ends() -> None:
    assert_ends("forgets_a_stuck_one", "fork")


def assert_ends(program: str, start_method: str) -> None:
    begun = subprocess.Popen(command(program, start_method), stdout=subprocess.PIPE, text=True)
    assert begun.stdout
    pid = int(begun.stdout.readline())
    said_s = time.monotonic()
    assert begun.wait(60) == 0
    assert time.monotonic() - said_s < allowed_s(1)
    assert not is_running(pid)
    begun.stdout.close()


def test_a_frontend_in_which_gevent_is_patched() -> None:
    assert output("is_patched", "spawn") == "pong 2 0"


def test_a_backend_in_which_gevent_is_patched(start_method: str) -> None:
    assert output("has_a_patched_backend", start_method) == "[2, 1, 0] False 0"


def test_a_program_whose_backend_does_not_import_it_needs_no_guard(tmp_path: Path) -> None:
    path = tmp_path / "unguarded.py"
    path.write_text(
        "from tests.process.frontends import has_no_guard\nhas_no_guard('spawn')\nprint(__file__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command_line = [sys.executable, str(path)]
    done = subprocess.run(command_line, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == (f"None 0 True\n{path}\n", "")
