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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from nexus_writer.data.embedded import EmbeddedRedis

SESSION = "load"
SERVICE = ("-m", "tango_server.service")


class WriterProcess:
    """``NexusWriterService``, the Tango device and all; ready when it is made.

    ``program`` is what the interpreter runs, with the service's own arguments behind it.
    """

    def __init__(self, redis_url: str, ready_file: Path, program: Sequence[str] = SERVICE) -> None:
        options = ["--nodb", "--session", SESSION, "--redis", redis_url, "--log=warning"]
        command = [sys.executable, *program, *options, "--ready-file", str(ready_file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(ready_file.exists, "the writer is ready")
        self.address = ready_file.read_text().split()[0]

    @property
    def pid(self) -> int:
        return self._process.pid

    def pids(self) -> list[int]:
        """Its own, and those of the processes that it has started."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [self.pid, *(int(number) for task in tasks for number in _text(task / "children").split())]

    def cpu_s(self) -> float:
        """Seconds of CPU time that all of its processes have used so far."""
        tasks = (task for pid in self.pids() for task in Path(f"/proc/{pid}/task").iterdir())
        texts = (_text(task / "schedstat") for task in tasks)
        return sum(int(text.split()[0]) for text in texts if text) / 1e9

    def resident_mb(self) -> float:
        """Resident memory of all of its processes; pages that they share, also with others, count in part."""
        return self._memory_mb("Pss:")

    def own_mb(self) -> float:
        """The part of it that are no pages of files, which others may share now and then."""
        return self._memory_mb("Anonymous:")

    def _memory_mb(self, kind: str) -> float:
        lines = (
            line
            for pid in self.pids()
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith(kind)
        )
        return sum(int(line.split()[1]) for line in lines) / 1024

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
def writer_process(redis_url: str, program: Sequence[str] = SERVICE) -> Iterator[WriterProcess]:
    """A writer for the time of a block."""
    with tempfile.TemporaryDirectory() as directory:
        writer = WriterProcess(redis_url, Path(directory) / "ready", program)
        try:
            yield writer
        finally:
            writer.stop()


class Place:
    """A Redis of its own, a writer that listens to it, and a new directory for each scan."""

    def __init__(self, server: EmbeddedRedis, writer: WriterProcess, directory: Path) -> None:
        self.writer = writer
        self.client = server.client()
        self._directory = directory
        self._scans = 0

    def new_directory(self) -> Path:
        self._scans += 1
        return self._directory / str(self._scans)


@contextlib.contextmanager
def place(program: Sequence[str] = SERVICE) -> Iterator[Place]:
    """For the time of a block; all is gone after it."""
    with (
        EmbeddedRedis() as server,
        tempfile.TemporaryDirectory() as directory,
        writer_process(server.url, program) as writer,
    ):
        here = Place(server, writer, Path(directory))
        try:
            yield here
        finally:
            here.client.close()


def _text(path: Path) -> str:
    """Of a file in /proc; "" when its thread has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def wait_until(
    condition: Callable[[], bool], what: str, timeout_s: float = 120.0, every_s: float = 0.0002
) -> None:
    """Return as soon as the condition holds, looked at so often."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {timeout_s} s")
        time.sleep(every_s)


def is_closed(path: Path) -> bool:
    """Does nobody hold the file open for writing any more? True also means: complete."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
