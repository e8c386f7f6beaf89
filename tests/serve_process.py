"""``nexus-writer serve`` as a process of its own, for tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py

from tests.waiting import wait_until as wait_until

READY_WITHIN_S = 120.0


class ServeProcess:
    """A running writer; ``stop`` ends it as a service manager would.

    ``entering`` is what its command begins with.
    """

    def __init__(
        self, session: str, redis_url: str, directory: Path, *options: str, entering: Sequence[str] = ()
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ready_file = directory / "ready"
        self.log = directory / "writer.log"
        command = [*entering, sys.executable, "-m", "nexus_writer", "serve", session, "--redis", redis_url]
        command += ["--ready-file", str(self.ready_file), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until(
                lambda: self.ready_file.exists() or self.process.poll() is not None, "ready", READY_WITHIN_S
            )
        except BaseException:
            self.kill()
            raise
        assert self.process.poll() is None, self.log.read_text()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(60)


@contextlib.contextmanager
def serving(
    session: str, redis_url: str, directory: Path, *options: str, entering: Sequence[str] = ()
) -> Iterator[ServeProcess]:
    """A writer for the time of a block."""
    writer = ServeProcess(session, redis_url, directory, *options, entering=entering)
    try:
        yield writer
    finally:
        writer.kill()


def entry_is_final(path: Path, entry: str) -> bool:
    """Is the entry complete: has the writing of it ended?"""
    try:
        with h5py.File(path) as file:
            return entry in file and file[entry]["writer/status"][()] in (b"SUCCEEDED", b"FAILED")
    except (OSError, KeyError, RuntimeError):  # not there yet, or a half-flushed page
        return False
