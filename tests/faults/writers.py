"""Writers in processes of their own that may be killed while they start."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until


def spawn(session: str, redis_url: str, log: Path, *options: str) -> subprocess.Popen[bytes]:
    """``nexus-writer serve``, at once: nobody waits until it listens."""
    command = [sys.executable, "-m", "nexus_writer", "serve", session, "--redis", redis_url, *options]
    with log.open("ab") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def kill(writer: subprocess.Popen[bytes], root: Path) -> None:
    """SIGKILL, and until none of its files is locked: changes that it had handed over may be under way."""
    writer.kill()
    writer.wait(60)
    wait_until(lambda: all(map(_is_free, root.rglob("*.h5"))), "the files are free")


def _is_free(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
