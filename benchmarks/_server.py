"""The writer as a process of its own, and what the operating system says of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path


class WriterProcess:
    """``nexus-writer serve``; ``frozen`` stops it for a block, so that a backlog grows in Redis."""

    def __init__(self, session: str, redis_url: str, ready_file: Path) -> None:
        command = [sys.executable, "-m", "nexus_writer", "serve", session, "--redis", redis_url]
        self._process = subprocess.Popen([*command, "--ready-file", str(ready_file), "--log", "warning"])
        wait_until(ready_file.exists, "the writer is ready")

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float:
        """Seconds of CPU time that it and the processes that it started have used so far."""
        own = list(Path(f"/proc/{self.pid}/task").iterdir())
        started = {number for task in own for number in (task / "children").read_text().split()}
        tasks = [*own, *(task for number in started for task in Path(f"/proc/{number}/task").iterdir())]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Inside, the process does not run."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it as a service manager does."""
        self._process.terminate()
        self._process.wait(20)


@contextlib.contextmanager
def writer_process(session: str, redis_url: str) -> Iterator[WriterProcess]:
    """A writer for the time of a block."""
    with tempfile.TemporaryDirectory() as directory:
        writer = WriterProcess(session, redis_url, Path(directory) / "ready")
        try:
            yield writer
        finally:
            writer.stop()


def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Return as soon as the condition holds, looked at every 0.2 ms."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {timeout_s} s")
        time.sleep(0.0002)


def is_closed(path: Path) -> bool:
    """Does nobody hold the file open for writing any more? True also means: complete."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
